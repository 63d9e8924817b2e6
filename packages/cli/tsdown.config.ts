import { defineConfig, type UserConfig } from "tsdown";

const config: UserConfig = defineConfig({
  // The others run in threads of their own.
  entry: {
    main: "src/main.ts",
    "session-worker": "src/sessions/session-worker.ts",
    "csv-blocks-worker": "src/arrays/csv-blocks-worker.ts",
    "csv-lines-worker": "src/arrays/csv-lines-worker.ts",
    "codec-worker": "src/media/codec-worker.ts",
    "engine-worker": "src/studio-server/engine-worker.ts",
  },
  platform: "node",
  dts: false,
  // main.js, not main.mjs: the package says that it is made of modules.
  fixedExtension: false,
});
export default config;
