/** Runs a TypeScript script of this workspace on the library's sources: `node scripts/run.mjs scripts/name.ts`. */
import { resolve } from "node:path";
import { loadConfigFromFile, runnerImport } from "vite";

const [script = ""] = process.argv.slice(2);
const loaded = await loadConfigFromFile({ command: "build", mode: "production" });
const { module } = await runnerImport(resolve(script), { resolve: { alias: loaded?.config.resolve?.alias } });
await module.main();
