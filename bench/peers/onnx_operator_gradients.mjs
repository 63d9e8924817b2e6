/**
 * What relevance does at each operator of ONNX: the ONNX project's tests of single operators, each explained by the composite
 * `gradient` at every float input in turn, with all others constant, and compared with central differences of the model itself in ONNX
 * Runtime. The data comes from onnx_node_tests.py beside this file.
 *
 *     node bench/peers/onnx_operator_gradients.mjs FOLDER [--list STATE] [--only REGEXP]
 *
 * States: `explained` (the slope along a random direction agrees), `differs`, `kink` (the differences do not settle: a step, a tie,
 * or infinite numbers), `refused` (with the sentence), `dead end` (a way on that is offered, and does not lead on), `not run` (ONNX
 * Runtime has no kernel), `not applicable` (no float32 input or output, or no file that can be read). Exits with 1 if anything differs
 * or leads nowhere.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

process.env.ORT_DISABLE_TELEMETRY = "1";
const ort = await import("onnxruntime-node");
const source = (path) => resolve(import.meta.dirname, "../../packages/relprop", path);
const load = async (path) => (await runnerImport(source(path), { configFile: false })).module;
const { compile, inspect } = await load("src/index.ts");
const { readModel, writeModel, concatChunks, numbersOf } = await load("src/onnx/index.ts");
const { readTensorBytes } = await load("src/onnx/read/tensor.ts");
const { libraryOptions } = await load("test/support/command-options.ts");
const { randomNumbers } = await load("test/support/run.ts");

const steps = [1e-3, 4e-3, 1e-2];
const tolerance = 2e-2;
const brief = (error) => error.message.replaceAll(/\s+/g, " ").slice(0, 400);

const sessionOf = (model) =>
  ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });

function readInputs(folder) {
  const files = readdirSync(folder).filter((file) => file.startsWith("input_"));
  const read = (file) =>
    readTensorBytes(
      { what: `cannot read ${file}`, readExternal: undefined },
      readFileSync(join(folder, file)),
    );
  return new Map(files.map(read).map(({ name, tensor }) => [name, tensor]));
}

/** The model with all inputs but one as constants. */
function withOneInput(model, given, input) {
  const constant = model.graph.inputs.filter((each) => each !== input && given.has(each.name));
  const initializers = new Map([
    ...model.graph.initializers,
    ...constant.map(({ name }) => [name, given.get(name)]),
  ]);
  const inputs = model.graph.inputs.filter((each) => !constant.includes(each));
  return { ...model, graph: { ...model.graph, inputs, initializers } };
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** The slope by relevance along a random direction, and by differences. */
async function slopes(model, compiled, { name }, { dims, start }, output) {
  const [own, explained] = [await sessionOf(model), await sessionOf(compiled)];
  const feeds = (data) => ({ [name]: new ort.Tensor("float32", Float32Array.from(data), dims) });
  const run = async (data) => (await own.run(feeds(data)))[output];
  try {
    const y = await run(start);
    const [weights, direction] = [randomNumbers(y.data.length, 7), randomNumbers(start.length, 9)];
    const target = new ort.Tensor("float32", weights, y.dims);
    const { relevance } = await explained.run({ ...feeds(start), target });
    const moved = (step) => start.map((value, i) => value + step * direction[i]);
    const differences = [];
    for (const step of steps) {
      const [behind, here, ahead] = [await run(moved(-step)), y, await run(moved(step))].map(({ data }) =>
        dot(data, weights),
      );
      differences.push((ahead - here) / step, (here - behind) / step);
    }
    return { slope: dot(relevance.data, direction), differences };
  } finally {
    await own.release();
    await explained.release();
  }
}

function compared({ slope, differences }) {
  const size = Math.max(1e-2, Math.abs(slope), ...differences.map(Math.abs));
  const isNear = (a, b) => Math.abs(a - b) <= tolerance * size;
  if (differences.some((found) => isNear(found, slope))) return ["explained", ""];
  const isSettled = differences.every((found) => isNear(found, differences[0]));
  return [isSettled ? "differs" : "kink", `${slope} by relevance, ${differences.join(", ")} by differences`];
}

/** Offered ways on that do not lead on. */
function deadEnds(model, options) {
  try {
    const { alternatives, obstacles } = inspect(model, options);
    // A rule crosses one node of several.
    const single = alternatives.filter(
      ({ option }) => obstacles.length === 1 || !option.startsWith("--rule"),
    );
    return single.filter(({ option }) => {
      const { canCompile } = inspect(model, { composite: "gradient", ...libraryOptions(option) });
      return !canCompile;
    });
  } catch {
    return [];
  }
}

async function check(model, given, input, output) {
  const options = { composite: "gradient", output: output.name, input: input.name };
  let compiled;
  try {
    compiled = compile(model, { ...options, start: "output" }).model;
  } catch (error) {
    const [dead] = deadEnds(model, options);
    return dead ? ["dead end", `${dead.option}: ${brief(error)}`] : ["refused", brief(error)];
  }
  const tensor = given.get(input.name);
  const place = { dims: tensor.dims, start: Float64Array.from(numbersOf(tensor)) };
  try {
    return compared(await slopes(model, compiled, input, place, output.name));
  } catch (error) {
    return ["not run", brief(error)];
  }
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "string", multiple: true }, only: { type: "string" } },
});
const [root] = positionals;
if (root === undefined) {
  console.error("give the folder that onnx_node_tests.py has written");
  process.exit(2);
}
const isBad = (state) => state === "differs" || state === "dead end";
const counts = new Map();
function tell(title, [state, detail]) {
  counts.set(state, (counts.get(state) ?? 0) + 1);
  if (flags.list?.includes(state) || isBad(state)) console.log(`${state}: ${title}: ${detail}`);
}
for (const name of readdirSync(root).toSorted()) {
  if (!new RegExp(flags.only ?? ".").test(name)) continue;
  let model;
  let given;
  try {
    given = readInputs(join(root, name));
    model = readModel(readFileSync(join(root, name, "model.onnx")));
  } catch (error) {
    tell(name, ["not applicable", brief(error)]);
    continue;
  }
  const [output] = model.graph.outputs;
  const inputs = model.graph.inputs.filter((each) => each.dataType === "float32" && given.has(each.name));
  if (output.dataType !== "float32" || inputs.length === 0) tell(name, ["not applicable", "no float32"]);
  else
    for (const input of inputs)
      tell(`${name}, ${input.name}`, await check(withOneInput(model, given, input), given, input, output));
}
for (const [state, count] of [...counts].toSorted()) console.log(`${String(count).padStart(5)} ${state}`);
process.exit([...counts.keys()].some(isBad) ? 1 : 0);
