/**
 * docs/performance.md and its plots from what run-peers.mjs measured and what packages/relprop/test/work counted.
 *
 *     node bench/write-performance.mjs [RESULTS.json] [PAGE.md]
 *
 * Beside RESULTS.json there can be `cpu-growth.json` (`--size 224,448,640`, `--batch 1,4,16`, other ResNets),
 * `cpu-wasm.json` (`--wasm`), `several-maps.json` (several-maps.mjs) and `cpu-elsewhere.json` (another processor's results).
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { along } from "./speed/figures.mjs";
import { performancePage } from "./speed/page.mjs";
import { plot } from "./speed/plot.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [results = here("results/cpu.json"), page = here("../docs/performance.md")] = process.argv.slice(2);
const read = async (path) => JSON.parse(await readFile(path, "utf8"));
const readIfThere = (name) => read(join(dirname(results), name)).catch(() => undefined);

const growth = await readIfThere("cpu-growth.json");
const wasm = await readIfThere("cpu-wasm.json");
const elsewhere = await readIfThere("cpu-elsewhere.json");
const maps = await readIfThere("several-maps.json");
const counted = await read(here("../packages/relprop/test/work/work.json"));
await writeFile(page, performancePage(await read(results), counted, { growth, wasm, elsewhere, maps }));
console.log(page);
if (growth) await drawGrowth(growth.results);

function layersOf({ model }) {
  return Number(model.replace("resnet", ""));
}

async function drawGrowth(all) {
  const subjects = { relprop: "relprop", zennit: "zennit", onnxruntime: "forward alone" };
  const folder = join(dirname(page), "performance");
  const write = (name, chart) => writeFile(join(folder, `${name}.svg`), plot({ y: "seconds", ...chart }));
  const resnet50 = all.filter(({ model }) => model === "resnet50");
  const batches = resnet50.filter(({ size }) => size === 224);
  await mkdir(folder, { recursive: true });
  await write("size", {
    title: "ResNet-50, one picture",
    x: "pixels",
    names: Object.fromEntries([224, 448, 640].map((size) => [size ** 2, `${size}²`])),
    series: along(
      resnet50.filter(({ batch }) => batch === 1),
      subjects,
      ({ size }) => size ** 2,
    ),
  });
  await write("batch", {
    title: "ResNet-50 at 224²",
    x: "pictures at a time",
    names: { 1: "1", 4: "4", 16: "16" },
    series: along(batches, subjects, ({ batch }) => batch),
  });
  await write("depth", {
    title: "ResNets, one picture at 224²",
    x: "layers",
    names: { 18: "18", 50: "50", 101: "101", 152: "152" },
    series: along(
      all.filter(({ batch, size }) => batch === 1 && size === 224),
      subjects,
      layersOf,
    ),
  });
}
