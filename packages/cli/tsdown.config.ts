import { defineConfig, type UserConfig } from "tsdown";

const config: UserConfig = defineConfig({
  entry: { main: "src/main.ts" },
  platform: "node",
  dts: false,
  // main.js, not main.mjs: the package says that it is made of modules.
  fixedExtension: false,
});
export default config;
