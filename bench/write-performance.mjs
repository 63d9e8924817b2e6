/**
 * docs/performance.md from what run-peers.mjs measured and what packages/relprop/test/work counted.
 *
 *     node bench/write-performance.mjs [RESULTS.json] [PAGE.md]
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { performancePage } from "./speed/page.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [results = here("results/cpu.json"), page = here("../docs/performance.md")] = process.argv.slice(2);
const read = async (path) => JSON.parse(await readFile(path, "utf8"));

await writeFile(
  page,
  performancePage(await read(results), await read(here("../packages/relprop/test/work/work.json"))),
);
console.log(page);
