/**
 * Peers and relprop side by side: the same weights, pictures and threads, in turns. Every subject of a row runs in a
 * process of its own, warmed by three runs; then each runs once a round, so that a machine that drifts drifts for all.
 *
 *     npm run build
 *     node bench/run-peers.mjs --python PYTHON --seed-path CHECKOUT [--quick]
 *
 * PYTHON has torch, torchvision and onnx, and of zennit, captum, lxt (with transformers 4) what is to be compared.
 * CHECKOUT is github.com/kaifishr/PyTorchRelevancePropagation. Results go to bench/results/, and from there to
 * docs/performance.md. `--help` prints all options.
 */
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureCommand } from "./speed/command.mjs";
import { correlation, median } from "./speed/figures.mjs";
import { inWasm, ours, rows } from "./speed/rows.mjs";
import { Subject } from "./speed/subject.mjs";

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    "seed-path": { type: "string" },
    quick: { type: "boolean", default: false },
    models: { type: "string" },
    composites: { type: "string" },
    peers: { type: "string" },
    batch: { type: "string", default: "1" },
    size: { type: "string", default: "224" },
    rounds: { type: "string" },
    threads: { type: "string", default: "2" },
    photos: { type: "string" },
    "skip-command": { type: "boolean", default: false },
    wasm: { type: "boolean", default: false },
    work: { type: "string", default: join(tmpdir(), "relprop-bench") },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const help = `node bench/run-peers.mjs [options]
  --python PATH        a Python that has torch, torchvision, onnx and the peers (python3)
  --seed-path PATH     checkout of the seed; without it rows against the seed have no peer
  --quick              the rows that have a wanted figure, 5 rounds, 60 photos; else all, 9 rounds, 500 photos
  --models A,B         of vgg16, resnet50, mobilenet_v2, efficientnet_b0, vit_b_16
  --composites A,B     of those in bench/speed/rows.mjs
  --peers A,B          of seed, zennit, captum, lxt, lxt.explicit, torch
  --batch 1,4,16       pictures at a time (1)
  --size 224,448,640   pixels (224); vit_b_16 has 224 alone
  --rounds N --threads N (2) --photos N
  --wasm               ours in onnxruntime-web, too, with one thread and with two
  --skip-command       leaves out the command's figures: first heatmap, a folder of photos
  --work FOLDER        where networks are exported to, 1 GB; kept for the next run
  --out FILE           bench/results/cpu.json, with --quick cpu-quick.json`;
if (options.help) {
  console.log(help);
  process.exit(0);
}

const list = (text) => text?.split(",").filter(Boolean);
const numbers = (text) => list(text).map(Number);
const isWanted = (text, name) => !text || list(text).includes(name);
const rounds = Number(options.rounds ?? (options.quick ? 5 : 9));
const photos = Number(options.photos ?? (options.quick ? 60 : 500));
const threads = Number(options.threads);
const sizes = numbers(options.size);
const batches = numbers(options.batch);
const out =
  options.out ?? fileURLToPath(new URL(`results/cpu${options.quick ? "-quick" : ""}.json`, import.meta.url));

const chosen = rows.filter(
  ({ model, composite, quick }) =>
    isWanted(options.models, model) && isWanted(options.composites, composite) && (quick || !options.quick),
);
const models = [...new Set(chosen.map(({ model }) => model))];
// A transformer has the positions of one size.
const cases = chosen.flatMap((row) =>
  sizes
    .filter((size) => size === 224 || !row.model.startsWith("vit"))
    .flatMap((size) => batches.map((batch) => ({ ...row, size, batch }))),
);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The heatmaps that a subject wrote, if it explains at all. */
async function takeRelevance(path) {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes) return undefined;
  await rm(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

async function measure(row) {
  const { model, composite, size, batch } = row;
  const peers = row.peers.filter(
    (peer) => isWanted(options.peers, peer) && (peer !== "seed" || options["seed-path"]),
  );
  const mine = options.wasm ? [...ours, ...inWasm] : ours;
  const names = composite === "forward" ? ["onnxruntime", ...peers] : [...mine, ...peers];
  const task = { model, composite, topK: row.topK ?? 0, size, batch, threads };
  const files = {
    file: join(options.work, `${model}-${size}.onnx`),
    input: join(options.work, `input-${size}.bin`),
    ...(options["seed-path"] && { seedPath: options["seed-path"] }),
  };
  const results = [];
  const running = [];
  let reference;
  for (const subject of names) {
    const relevance = join(options.work, `relevance-${process.pid}-${subject}.bin`);
    const each = new Subject({ ...task, ...files, subject, relevance }, options.python);
    const result = { ...task, subject, runs: [] };
    results.push(result);
    try {
      Object.assign(result, await each.start());
      running.push({ each, result });
      const found = await takeRelevance(relevance);
      if (subject === "relprop") reference = found;
      else if (reference && found) result.correlation = correlation(reference, found);
    } catch (error) {
      console.error(error.message);
      // The last line says what; the others have paths of this machine.
      result.error = error.message.trim().split("\n").at(-1);
      await each.kill();
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { each, result } of running) {
      result.runs.push(await each.run());
      // Threads of the last one spin for a moment before they sleep.
      await pause(100);
    }
  }
  for (const { each, result } of running) result.peakBytes = await each.stop();
  return results;
}

const say = (result) => {
  const { model, composite, topK, batch, size, subject, runs, error } = result;
  const what = `${model} ${composite}${topK ? `, k = ${topK}` : ""}, batch ${batch}, ${size} px`;
  console.log(
    `${what.padEnd(58)} ${subject.padEnd(13)} ${error ? `FAILED: ${error}` : `${median(runs).toFixed(3)} s`}`,
  );
};

await mkdir(options.work, { recursive: true });
const load = loadavg()[0];
// The minute before may have been this session's own preparations.
if (load > 0.75) {
  console.warn(
    `other processes are busy (load ${load.toFixed(1)}): the figures will say little, torch's least of all,`,
  );
  console.warn("whose threads wait for each other by spinning");
}
const commandModels = options["skip-command"]
  ? []
  : ["resnet50", "vgg16"].filter((model) => models.includes(model));
const wanted = JSON.stringify({
  models,
  sizes: [...new Set(cases.map(({ size }) => size))],
  batch: Math.max(...batches),
});
console.log("exporting networks (once)");
execFileSync(
  options.python,
  [fileURLToPath(new URL("peers/speed/networks.py", import.meta.url)), "export", options.work, wanted],
  { env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" }, stdio: ["ignore", "ignore", "inherit"] },
);

const started = performance.now();
const results = [];
for (const row of cases) {
  const measured = await measure(row);
  for (const result of measured) say(result);
  results.push(...measured);
}
const command = commandModels.length
  ? await measureCommand({ models: commandModels, work: options.work, photos, rounds, threads })
  : undefined;
if (command) console.log(JSON.stringify(command, undefined, 1));

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryBytes: totalmem(),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
};
const settings = {
  rounds,
  threads,
  loadBefore: Number(load.toFixed(2)),
  photos,
  seconds: Math.round((performance.now() - started) / 1000),
};
await mkdir(join(out, ".."), { recursive: true });
await writeFile(out, `${JSON.stringify({ machine, settings, results, command }, undefined, 1)}\n`);
console.log(
  `${out}, ${settings.seconds} s; node bench/write-performance.mjs makes docs/performance.md of it`,
);
if (results.some(({ error }) => error)) process.exitCode = 1;
