/**
 * What explanations of big graphs cost: nodes that are emitted for each node of the model, and processor time to compile, to open a
 * session and to run it, against the model alone.
 *
 *     node bench/graph-cost.mjs [--as before|after] [--counts] [--library DIST] [--only "NAME;NAME"] MODEL.onnx …
 *
 * After `npm run build`. With `--as` the measurements go to bench/results/graph-cost.json; `--counts` leaves out sessions. Times are of the
 * processor (process.cpuUsage) in one thread, medians of three, so that they hold on a machine that others use.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-node";

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    as: { type: "string" },
    counts: { type: "boolean", default: false },
    library: { type: "string" },
    only: { type: "string" },
  },
});
const library = (path) => import(options.library ? pathToFileURL(`${options.library}/${path}`) : path);
const { compile, readAnswer } = await (options.library ? library("index.js") : library("@relprop/core"));
const { concatChunks, readModel, writeModel } = await (options.library
  ? library("onnx/index.js")
  : library("@relprop/core/onnx"));

const explanations = {
  default: {},
  "default, ledger": { ledger: true },
  attnlrp: { composite: "attnlrp" },
  "attnlrp, ledger": { composite: "attnlrp", ledger: true },
  "epsilon-gamma-box": { composite: "epsilon-gamma-box", low: -3, high: 3 },
  "epsilon-plus-flat": { composite: "epsilon-plus-flat" },
};

const rounds = 3;
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Seconds of the processor that a piece of work takes, median of three, and what the last one made. */
async function processorTime(work, done = () => {}) {
  const times = [];
  let made;
  for (let round = 0; round < (options.counts ? 1 : rounds); round++) {
    if (made) await done(made);
    const start = process.cpuUsage();
    made = await work();
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1e6);
  }
  return [median(times), made];
}

/** Nodes that the model's own outputs need, in a graph that was compiled from it. */
function forwardNodes({ nodes }, outputs) {
  const needed = new Set(outputs.map(({ name }) => name));
  return nodes.toReversed().filter((node) => {
    const isNeeded = node.outputs.some((name) => needed.has(name));
    if (isNeeded) for (const name of node.inputs) needed.add(name);
    return isNeeded;
  }).length;
}

/** Opens and runs a model once in one thread. */
async function sessionTimes(model, packs) {
  const bytes = concatChunks(writeModel(model).chunks);
  const [open, session] = await processorTime(
    () =>
      ort.InferenceSession.create(bytes, {
        intraOpNumThreads: 1,
        logSeverityLevel: 3,
        extra: { session: { disable_prepacking: packs ? "0" : "1" } },
      }),
    (before) => before.release(),
  );
  const feeds = Object.fromEntries(
    model.graph.inputs
      .filter(({ name }) => session.inputNames.includes(name))
      .map(({ name, shape, dataType }) => {
        const dims = shape.map((dim) => (typeof dim === "number" ? dim : 1));
        const size = dims.reduce((a, n) => a * n, 1);
        const data =
          dataType === "int64"
            ? new BigInt64Array(size).fill(5n)
            : Float32Array.from({ length: size }, (_, i) => Math.sin(i));
        return [name, new ort.Tensor(dataType, data, dims)];
      }),
  );
  const [run] = await processorTime(() => session.run(feeds));
  await session.release();
  return { bytes: bytes.length, open, run };
}

async function measure(file) {
  const source = readModel(readFileSync(file));
  const name = basename(file, ".onnx");
  const plain = options.counts ? {} : await sessionTimes(source, true);
  const results = [];
  for (const [explanation, given] of Object.entries(explanations)) {
    if (options.only && !options.only.split(";").includes(explanation)) continue;
    const suggested = given.composite ?? readAnswer(source).composite;
    const [compiling, { model, packsWeights }] = await processorTime(() =>
      compile(source, { ...given, composite: suggested }),
    );
    const forward = forwardNodes(model.graph, source.graph.outputs);
    const nodes = { model: source.graph.nodes.length, forward, emitted: model.graph.nodes.length - forward };
    const times = options.counts ? {} : await sessionTimes(model, packsWeights);
    results.push({
      name,
      explanation,
      composite: suggested,
      nodes,
      compile: compiling,
      plain,
      explained: times,
    });
    print(results.at(-1));
  }
  return results;
}

const ratio = (a, b) => `${(a / b).toFixed(1)}×`;

function print({ name, explanation, nodes, compile, plain, explained }) {
  const session = explained.open && [
    `bytes ${explained.bytes - plain.bytes}`,
    `open ${explained.open.toFixed(2)} s, ${ratio(explained.open, plain.open)}`,
    `run ${explained.run.toFixed(2)} s, ${ratio(explained.run, plain.run)}`,
  ];
  const counts = `${nodes.model} nodes, ${nodes.forward} canonical, ${nodes.emitted} emitted, ${ratio(nodes.emitted, nodes.model)}`;
  console.log(
    [`${name} ${explanation}`, counts, `compile ${compile.toFixed(2)} s`, ...(session || [])].join("; "),
  );
}

const all = [];
for (const file of files) {
  try {
    all.push(...(await measure(file)));
  } catch (error) {
    console.log(`${basename(file)}: ${error.message.split("\n")[0]}`);
  }
}
if (all.length > 0) {
  const of = (f) => median(all.map(f)).toFixed(2);
  console.log(`median: ${of(({ nodes }) => nodes.emitted / nodes.model)} nodes emitted for one of the model`);
  if (!options.counts)
    console.log(`median: session ${of((each) => each.explained.open / each.plain.open)}× the model's`);
}
if (options.as) {
  const path = new URL("results/graph-cost.json", import.meta.url);
  const known = JSON.parse(readFileSync(path, { encoding: "utf8", flag: "a+" }) || "{}");
  writeFileSync(path, `${JSON.stringify({ ...known, [options.as]: all }, undefined, 1)}\n`);
}
