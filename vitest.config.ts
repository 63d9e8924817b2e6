import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { sourceAliases } from "./scripts/source-aliases.mjs";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const timed = "packages/*/test/**/*.timed.test.ts";

// Browsers and sessions wait a lot: also two cores are better used by two files at a time.
const maxWorkers = Math.max(2, availableParallelism() - 1);

const config: ViteUserConfig = defineConfig({
  // No two runs are of the same code.
  define: { __RELPROP_BUILD__: JSON.stringify(`test ${Date.now()}`) },
  resolve: { alias: sourceAliases },
  test: {
    env: { ORT_DISABLE_TELEMETRY: "1" },
    testTimeout: 60_000,
    globalSetup: ["packages/studio/test/support/shared-app.ts"],
    pool: "forks",
    execArgv: [
      "--import",
      fileURLToPath(new URL("./packages/cli/test/support/register-typescript.mjs", import.meta.url)),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: "library",
          include: ["packages/{relprop,engine}/test/**/*.test.ts"],
          exclude: [timed],
          // Nothing here changes what a module holds, so that files share the modules: importing them takes longer
          // than most files do.
          isolate: false,
          setupFiles: ["packages/relprop/test/support/one-thread.ts"],
          maxWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "apps",
          include: ["packages/{cli,studio}/test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: [timed, "**/node_modules/**"],
          maxWorkers,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // What holds within a time is measured when nothing else runs.
        test: { name: "timed", include: [timed], maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
export default config;
