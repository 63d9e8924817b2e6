/** Lets the threads and processes that tests start run the sources, as the tests have no build; Node 20 does not read TypeScript. */
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

if (!isMainThread || process.argv[1]?.endsWith(".ts")) register("./typescript-loader.mjs", import.meta.url);
