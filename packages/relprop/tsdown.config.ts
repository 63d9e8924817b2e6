import { defineConfig, type UserConfig } from "tsdown";

const config: UserConfig = defineConfig({
  entry: {
    index: "src/index.ts",
    "onnx/index": "src/onnx/index.ts",
    "heatmap/index": "src/heatmap/index.ts",
    "preprocess/index": "src/preprocess/index.ts",
    "zoo/index": "src/zoo/index.ts",
  },
  platform: "neutral",
  dts: true,
  sourcemap: false,
});
export default config;
