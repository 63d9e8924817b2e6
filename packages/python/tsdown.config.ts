import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "tsdown";

/** One file without dependencies, which the Python package carries. Not minified: errors are told by their names. */
const config: UserConfig = defineConfig({
  entry: { compiler: fileURLToPath(new URL("./compiler/main.ts", import.meta.url)) },
  outDir: fileURLToPath(new URL("./src/relprop", import.meta.url)),
  clean: false,
  platform: "node",
  target: "node20",
  dts: false,
  fixedExtension: true,
  deps: { alwaysBundle: [/^(?!node:)/] },
  outputOptions: { codeSplitting: false },
});
export default config;
