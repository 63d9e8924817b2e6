/**
 * relprop, or the bare model in ONNX Runtime, in a process of its own: the same lines in and out as peers.py.
 *
 *     node relprop-worker.mjs JSON
 */
import { readFile, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";

process.env.ORT_DISABLE_TELEMETRY = "1";
const warmUps = 3;
const target = 281;
/** The widest bounds of a normalised picture: networks.py. */
const bounds = { low: -2.1179039, high: 2.64 };

const task = JSON.parse(process.argv[2]);
const wasmThreads = Number(task.subject.match(/^wasm\.(\d)$/)?.[1] ?? 0);
const ort = await import(wasmThreads ? "onnxruntime-web" : "onnxruntime-node");
if (wasmThreads) ort.env.wasm.numThreads = wasmThreads;
const sessionOptions = wasmThreads ? { executionProviders: ["wasm"] } : { intraOpNumThreads: task.threads };
const dims = [task.batch, 3, task.size, task.size];
const file = await readFile(task.input);
const data = new Float32Array(
  file.buffer.slice(file.byteOffset, file.byteOffset + 4 * dims.reduce((a, n) => a * n)),
);
const say = (message) => console.log(JSON.stringify(message));

const { run, ...facts } = task.subject === "onnxruntime" ? await bare() : await relprop();
let found;
for (let i = 0; i < warmUps; i++) found = await run();
if (found?.relevance) await writeFile(task.relevance, new Uint8Array(found.relevance.data.buffer));
say(facts);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stop") break;
  const started = performance.now();
  await run();
  say({ seconds: (performance.now() - started) / 1000 });
}
say({ peakBytes: process.resourceUsage().maxRSS * 1024 });
process.exit(0);

async function relprop() {
  const { Explainer, sessionModel, version } = await import("@relprop/core");
  const { readModelFile } = await import("@relprop/core/node");
  const { readModel } = await import("@relprop/core/onnx");
  const { size: modelBytes } = await stat(task.file);
  const { composite, topK } = task;
  const box = composite === "epsilon-gamma-box" ? bounds : {};
  const options = { composite, reduce: "channels", ...(topK && { topK }), ...box };
  const bytes = wasmThreads ? await readFile(task.file) : undefined;
  const started = performance.now();
  const prepared = sessionModel(bytes ? readModel(bytes) : readModelFile(task.file), options);
  const graphBytes = prepared.view.bytes.length;
  const explainer = new Explainer({ ort, prepared, sessionOptions });
  const compiled = performance.now();
  await explainer.ready();
  const loaded = performance.now();
  const isAsked = explainer.compiled.added.some(({ name }) => name === "target");
  return {
    version,
    compileSeconds: (compiled - started) / 1000,
    loadSeconds: (loaded - compiled) / 1000,
    graphBytes,
    modelBytes,
    run: () => explainer.explain({ data, dims }, isAsked ? { target } : {}),
  };
}

/** The model as it is, in ONNX Runtime's own settings: weights packed for the one use that each has. */
async function bare() {
  const started = performance.now();
  const session = await ort.InferenceSession.create(task.file, sessionOptions);
  const loadSeconds = (performance.now() - started) / 1000;
  const version = ort.env.versions.node;
  return {
    version,
    loadSeconds,
    run: () => session.run({ input: new ort.Tensor("float32", data, dims) }).then(() => undefined),
  };
}
