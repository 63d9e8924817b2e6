import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "tsdown";

/** Of all sources, for `build` in src/version.ts. */
function hashOfSources(): string {
  const hash = createHash("sha256");
  const folder = fileURLToPath(new URL("./src/", import.meta.url));
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (path.endsWith(".ts")) hash.update(path).update(readFileSync(join(folder, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

const config: UserConfig = defineConfig({
  entry: {
    index: "src/index.ts",
    "onnx/index": "src/onnx/index.ts",
    "heatmap/index": "src/heatmap/index.ts",
    "preprocess/index": "src/preprocess/index.ts",
    "internal/index": "src/internal/index.ts",
    "rules/index": "src/rules/index.ts",
    "node/index": "src/node/index.ts",
    "zoo/index": "src/zoo/index.ts",
  },
  platform: "neutral",
  // Of `@relprop/core/node` only.
  deps: { neverBundle: [/^node:/] },
  define: { __RELPROP_BUILD__: JSON.stringify(hashOfSources()) },
  dts: true,
  sourcemap: false,
});
export default config;
