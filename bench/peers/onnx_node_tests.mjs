/**
 * The ONNX project's tests of single operators as a referee: each model is read, converted to opset 17, written, run in
 * ONNX Runtime and compared with the stored outputs, and its shapes are inferred and compared with those of the outputs.
 * The data comes from onnx_node_tests.py beside this file.
 *
 *     node bench/peers/onnx_node_tests.mjs FOLDER [--list STATE] [--only REGEXP] [--json FILE]
 *
 * States: `same` (outputs agree), `wrong`, `runtime differs` (ONNX Runtime disagrees about the original, too), `not run`
 * (ONNX Runtime has no kernel for these types), `refused` (with the sentence); of each output `shape same`, `shape wrong`,
 * `shape open` (no shape, or a size that only the run knows). A model that leaves something open or is refused is tried
 * again with its inputs but the first as constants. Exits with 1 if anything is wrong.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

process.env.ORT_DISABLE_TELEMETRY = "1";
const ort = await import("onnxruntime-node");
const source = (path) => resolve(import.meta.dirname, "../../packages/relprop/src", path);
const load = async (path) => (await runnerImport(source(path), { configFile: false })).module;
const { readModel, writeModel, concatChunks, convertOpset, numbersOf } = await load("onnx/index.ts");
const { inferGraph } = await load("onnx/infer-shapes.ts");
const { readTensorBytes } = await load("onnx/read/tensor.ts");

/** Their outputs are drawn, so only sizes can be compared. */
const isDrawn = /^test_(bernoulli|random|multinomial|training_dropout|dropout_.*train|.*bernoulli)/;
/** The tolerance of ONNX's own runner, and what exponentials of float16 inputs need. */
const tolerance = { float16: [1e-2, 1e-3], bfloat16: [2e-2, 1e-2], other: [1e-3, 1e-5] };

const readTensors = (folder, role, values) =>
  values.map((_, i) => {
    const path = join(folder, `${role}_${i}.pb`);
    if (!existsSync(path)) return undefined;
    return readTensorBytes({ what: `cannot read ${path}`, readExternal: undefined }, readFileSync(path))
      .tensor;
  });

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

function ortTensor({ dataType, dims, bytes }) {
  const copy = new Uint8Array(bytes);
  return new ort.Tensor(dataType, new arrays[dataType](copy.buffer), dims);
}

function ownTensor({ type, dims, data }) {
  return { dataType: type, dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function difference(want, got) {
  if (want.dataType !== got.dataType) return `its type is ${got.dataType}, not ${want.dataType}`;
  if (want.dims.join() !== got.dims.join()) return `its shape is [${got.dims}], not [${want.dims}]`;
  const [relative, absolute] = tolerance[want.dataType] ?? tolerance.other;
  const [a, b] = [numbersOf(want), numbersOf(got)];
  // A sum is as exact as its largest part.
  const largest = Array.from(a).reduce(
    (max, v) => (Number.isFinite(v) ? Math.max(max, Math.abs(v)) : max),
    1,
  );
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    if (!(Math.abs(a[i] - b[i]) <= absolute * largest + relative * Math.abs(a[i])))
      return `element ${i} is ${b[i]}, not ${a[i]}`;
  }
  return undefined;
}

function shapeState(info, want) {
  if (!info) return ["shape open", "nothing is known"];
  if (info.dataType !== want.dataType) return ["shape wrong", `type ${info.dataType}, not ${want.dataType}`];
  const text = `[${info.shape}], not [${want.dims}]`;
  if (info.shape.length !== want.dims.length) return ["shape wrong", text];
  if (info.shape.some((dim, i) => typeof dim === "number" && dim !== want.dims[i]))
    return ["shape wrong", text];
  return info.shape.every((dim) => typeof dim === "number") ? ["shape same", ""] : ["shape open", text];
}

/** Whether ONNX Runtime gives the stored outputs for the model as it is: what it gets wrong itself is no error of ours. */
async function runsRight(bytes, feeds, wants, outputs) {
  let session;
  try {
    session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
    const results = await session.run(feeds);
    return outputs.every(({ name }, i) => !wants[i] || !difference(wants[i], ownTensor(results[name])));
  } catch {
    return undefined;
  } finally {
    await session?.release();
  }
}

/** The model with all inputs but the first as constants, as axes, sizes and pads are in models that people have. */
function withConstants(model, given) {
  const { graph } = model;
  const [first, ...rest] = graph.inputs;
  const constant = rest.filter(({ name }) => given.has(name));
  const initializers = new Map([
    ...graph.initializers,
    ...constant.map(({ name }) => [name, given.get(name)]),
  ]);
  const inputs = [...(first ? [first] : []), ...rest.filter(({ name }) => !given.has(name))];
  return { ...model, graph: { ...graph, inputs, initializers } };
}

/** What became of one model: a list of [state, detail]. */
async function judge(read, original, given, wants, name) {
  const model = convertOpset(read);
  const lines = [];
  const { graph } = model;
  const values = inferGraph({ ...graph, outputs: [] });
  for (const [i, { name: output }] of graph.outputs.entries()) {
    if (wants[i]) lines.push(shapeState(values.get(output), wants[i]));
  }
  let session;
  const feeds = {};
  try {
    for (const input of graph.inputs) {
      if (given.has(input.name)) feeds[input.name] = ortTensor(given.get(input.name));
    }
    const bytes = concatChunks(writeModel(model).chunks);
    session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
    const results = await session.run(feeds);
    const problems = graph.outputs.flatMap((output, i) => {
      if (!wants[i] || isDrawn.test(name)) return [];
      const problem = difference(wants[i], ownTensor(results[output.name]));
      return problem ? [`"${output.name}": ${problem}`] : [];
    });
    if (problems.length === 0) return [...lines, ["same", ""]];
    const all = Object.fromEntries([...given].map(([input, tensor]) => [input, ortTensor(tensor)]));
    const isRuntimes = (await runsRight(original, all, wants, graph.outputs)) === false;
    return [...lines, [isRuntimes ? "runtime differs" : "wrong", problems.join("; ")]];
  } catch (error) {
    return [...lines, ["not run", String(error.message).replaceAll(/\s+/g, " ").slice(0, 300)]];
  } finally {
    await session?.release();
  }
}

/** As it is; where that leaves something open, with constants. */
async function check(folder, name) {
  const original = readFileSync(join(folder, "model.onnx"));
  let refusal;
  let model;
  let given;
  let wants;
  const states = new Map();
  try {
    model = readModel(original);
    given = readInputs(folder);
    wants = readTensors(folder, "output", model.graph.outputs);
    const lines = await judge(model, original, given, wants, name);
    if (!lines.some(([state]) => state === "shape open")) return lines;
    states.set("as it is", lines);
  } catch (error) {
    if (error.name !== "ModelFileError") throw error;
    refusal = ["refused", error.message];
    if (!model || !wants) return [refusal];
  }
  try {
    return await judge(withConstants(model, given), original, given, wants, name);
  } catch (error) {
    if (error.name !== "ModelFileError") throw error;
    return states.get("as it is") ?? [["refused", error.message]];
  }
}

function readInputs(folder) {
  const files = readdirSync(folder).filter((file) => file.startsWith("input_"));
  return new Map(
    files.map((file) => {
      const { name, tensor } = readTensorBytes(
        { what: `cannot read ${file}`, readExternal: undefined },
        readFileSync(join(folder, file)),
      );
      return [name, tensor];
    }),
  );
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "string", multiple: true }, only: { type: "string" }, json: { type: "string" } },
});
const root = positionals[0];
if (root === undefined) {
  console.error("give the folder that onnx_node_tests.py has written");
  process.exit(2);
}
const only = new RegExp(flags.only ?? ".");
const counts = new Map();
const results = [];
for (const name of readdirSync(root).sort()) {
  if (!only.test(name)) continue;
  let lines;
  try {
    lines = await check(join(root, name), name);
  } catch (error) {
    lines = [["wrong", `it failed: ${error.stack}`]];
  }
  for (const [state, detail] of lines) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
    results.push({ name, state, detail });
    if (flags.list?.includes(state) || state.endsWith("wrong")) console.log(`${state}: ${name}: ${detail}`);
  }
}
if (flags.json) writeFileSync(flags.json, JSON.stringify(results, undefined, 1));
for (const [state, count] of [...counts].sort()) console.log(`${String(count).padStart(5)} ${state}`);
process.exit(results.some(({ state }) => state.endsWith("wrong")) ? 1 : 0);
