/** ONNX models: read, inspect, compile, write, read again, run beside the bare model. */

import { readdirSync, readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import {
  compile,
  inspect,
  RelpropError,
  type CompileOptions,
  type Compiled,
} from "../../packages/relprop/src/index.ts";
import {
  concatChunks,
  GraphBuilder,
  int,
  readModel,
  writeModel,
  type DataType,
  type Model,
  type Value,
} from "../../packages/relprop/src/onnx/index.ts";
import { image, type Case } from "../../packages/relprop/test/relevance/transpose-cases/case.ts";
import {
  constantCases,
  functionCases,
  reductionCases,
} from "../../packages/relprop/test/relevance/transpose-cases/functions.ts";
import { movingCases } from "../../packages/relprop/test/relevance/transpose-cases/moving.ts";
import { resamplingCases } from "../../packages/relprop/test/relevance/transpose-cases/resampling.ts";
import { samplingCases } from "../../packages/relprop/test/relevance/transpose-cases/sampling.ts";
import { spectrumCases } from "../../packages/relprop/test/relevance/transpose-cases/spectra.ts";
import { randomNumbers } from "../../packages/relprop/test/support/run.ts";
import { damageBytes } from "../damage-bytes.ts";
import { damageModel } from "../damage-model.ts";
import { Finding, kind } from "../kind.ts";
import type { Random } from "../random.ts";
import { withoutControls } from "../../packages/relprop/src/plain-text.ts";

/** What is damaged: files that once fell, golden networks, and a small model around each operator. */
const files: readonly Uint8Array[] = [
  ...onnxIn(new URL("../corpus/", import.meta.url)),
  ...["convnet", "mlp-signed", "mobilenet-bn"].map((name) =>
    readFileSync(new URL(`../../packages/relprop/test/golden/${name}/model.onnx`, import.meta.url)),
  ),
];
const cases: readonly Case[] = [
  ...functionCases,
  ...constantCases,
  ...reductionCases,
  ...movingCases,
  ...resamplingCases,
  ...samplingCases,
  ...spectrumCases,
];

function onnxIn(folder: URL): Uint8Array[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".onnx"))
    .map((name) => readFileSync(new URL(name, folder)));
}

const bytesOf = (model: Model): Uint8Array => concatChunks(writeModel(model).chunks);

function modelOf({ opset = 17, shape, make }: Case): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", ...(shape ?? image).slice(1)]);
  b.output(b.op("Flatten", [make(b, x)], { axis: int(1) }), "y");
  return { irVersion: 8, opsets: { "": opset }, producer: "fuzz", metadata: {}, graph: b.graph("fuzz") };
}

interface Damaged {
  readonly bytes: Uint8Array;
  readonly options: CompileOptions;
}

const explanations: readonly CompileOptions[] = [
  {},
  { composite: "gradient" },
  { composite: "attnlrp" },
  { composite: "epsilon-plus-flat", ledger: true },
  { composite: "fischer" },
  { composite: "epsilon-gamma-box", low: -1, high: 1 },
];

function make(random: Random): Damaged {
  const options = random.of(explanations);
  const whole = random.once(2) ? random.of(files) : bytesOf(modelOf(random.of(cases)));
  if (random.once(3)) return { bytes: damageBytes(whole, random), options };
  try {
    return { bytes: bytesOf(damageModel(readModel(whole), random)), options };
  } catch {
    // Some of what once fell cannot be read, and some damage cannot be written.
    return { bytes: damageBytes(whole, random), options };
  }
}

/** Larger runs are left out: this is about what is said of a model, not about patience. */
const mostElements = 200_000;

interface Feed {
  readonly dataType: DataType;
  readonly dims: readonly number[];
}

/** Sizes to run with: each open one is `batch`. Undefined where that is too much. */
function feedOf({ dataType, shape }: Value, batch: number): Feed | undefined {
  const dims = shape.map((dim) => (typeof dim === "number" ? dim : batch));
  const count = dims.reduce((a, n) => a * n, 1);
  return dims.every((n) => n >= 0) && count <= mostElements ? { dataType, dims } : undefined;
}

function tensorOf({ dataType, dims }: Feed, seeds: readonly number[]): ort.Tensor | undefined {
  const count = dims.reduce((a, n) => a * n, 1);
  // Each sample has a seed of its own.
  const each = Math.floor(count / seeds.length);
  const numbers = seeds.flatMap((seed) => [...randomNumbers(each, seed)]);
  const all = Array.from({ length: count }, (_, i) => numbers[i] ?? 0);
  switch (dataType) {
    case "float32":
      return new ort.Tensor("float32", Float32Array.from(all), dims);
    case "float64":
      return new ort.Tensor("float64", Float64Array.from(all), dims);
    case "int64":
      return new ort.Tensor(
        "int64",
        BigInt64Array.from(all, (n) => BigInt(Math.abs(Math.trunc(4 * n)))),
        dims,
      );
    case "int32":
      return new ort.Tensor(
        "int32",
        Int32Array.from(all, (n) => Math.abs(Math.trunc(4 * n))),
        dims,
      );
    case "bool":
      return new ort.Tensor(
        "bool",
        Uint8Array.from(all, (n) => (n > 0 ? 1 : 0)),
        dims,
      );
    default:
      return undefined;
  }
}

type Results = Readonly<Record<string, ort.Tensor>>;

/** Runs a session for some samples; undefined where ONNX Runtime refuses. */
async function run(
  session: ort.InferenceSession,
  inputs: readonly Value[],
  seeds: readonly number[],
  shapes: ReadonlyMap<string, readonly number[]> = new Map(),
): Promise<Results | string> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const [i, input] of inputs.entries()) {
    const feed = feedOf({ ...input, shape: shapes.get(input.name) ?? input.shape }, seeds.length);
    const tensor =
      feed &&
      tensorOf(
        feed,
        seeds.map((seed) => seed + 1000 * i),
      );
    if (!tensor) return "not run: too large, or of another type";
    feeds[input.name] = tensor;
  }
  try {
    return await session.run(feeds);
  } catch (error) {
    return String(error);
  }
}

const numbersOf = (tensor: ort.Tensor | undefined): number[] =>
  tensor && tensor.type !== "string" ? Array.from(tensor.data as ArrayLike<number | bigint>, Number) : [];

/** Whether outputs have the sizes that the model declares: what is compiled believes it. */
const keepsItsWord = ({ graph }: Model, plain: Results): boolean =>
  graph.outputs.every(({ name, shape }) => {
    const dims = plain[name]?.dims ?? [];
    return (
      shape.length === dims.length &&
      shape.every((dim, axis) => typeof dim === "string" || dim === dims[axis])
    );
  });

/** Whether two lists agree but for rounding; NaN agrees with NaN, and so do infinities. */
function agree(a: readonly number[], c: readonly number[], tolerance: number): boolean {
  const largest = a.reduce((most, n) => (Number.isFinite(n) ? Math.max(most, Math.abs(n)) : most), 1e-6);
  return (
    a.length === c.length &&
    a.every((n, i) => {
      const other = c[i] as number;
      return Object.is(n, other) || n === other || Math.abs(n - other) <= tolerance * largest;
    })
  );
}

const quiet = { logSeverityLevel: 4, intraOpNumThreads: 1 } as const;

async function use({ bytes, options }: Damaged, enter: (step: string) => void): Promise<string> {
  let compiled: Compiled;
  let source: Model;
  let written: Uint8Array;
  try {
    enter("read");
    source = readModel(bytes, { file: "fuzz.onnx" });
    enter("inspect");
    inspect(source, options);
    enter("compile");
    compiled = compile(source, options);
    enter("write");
    written = bytesOf(compiled.model);
    enter("read again");
    readModel(written);
  } catch (error) {
    if (!(error instanceof RelpropError)) throw error;
    if (withoutControls(error.message.replaceAll("\n", " ")) !== error.message.replaceAll("\n", " "))
      throw new Finding(`control characters in: ${JSON.stringify(error.message)}`);
    return error.constructor.name;
  }
  enter("bare session");
  const bare = await ort.InferenceSession.create(bytes, quiet).catch((error: unknown) => String(error));
  if (typeof bare === "string") return "compiled, ONNX Runtime refuses the model";
  try {
    const { inputs } = source.graph;
    const asked = inputs.filter(({ name }) => !source.graph.initializers.has(name));
    enter("bare run");
    const plain = await run(bare, asked, [11]);
    if (typeof plain === "string") return "compiled, ONNX Runtime does not run the model";
    if (!keepsItsWord(source, plain)) return "compiled, the model's outputs are not what it declares";
    enter("compiled session");
    const session = await ort.InferenceSession.create(written, quiet).catch((error: unknown) => {
      throw new Finding(`ONNX Runtime refuses what was compiled: ${String(error)}`);
    });
    try {
      return await compare({ source, compiled, session, bare, asked, plain }, enter);
    } finally {
      await session.release();
    }
  } finally {
    await bare.release();
  }
}

/** What the first of two samples gives. */
function first(results: Results | string, name: string): number[] {
  const tensor = (results as Results)[name];
  return tensor?.dims[0] === 2 ? numbersOf(tensor).slice(0, tensor.size / 2) : [];
}

interface Pair {
  readonly source: Model;
  readonly compiled: Compiled;
  readonly session: ort.InferenceSession;
  readonly bare: ort.InferenceSession;
  readonly asked: readonly Value[];
  readonly plain: Results;
}

async function compare(
  { source, compiled, session, bare, asked, plain }: Pair,
  enter: (step: string) => void,
): Promise<string> {
  enter("compiled run");
  const added = compiled.model.graph.inputs.filter(
    ({ name }) => !compiled.model.graph.initializers.has(name) && !asked.some((each) => each.name === name),
  );
  const both = async (seeds: readonly number[]): Promise<readonly [Results | string, Results | string]> => {
    const own = seeds.length === 1 ? plain : await run(bare, asked, seeds);
    if (typeof own === "string") return [own, own];
    // A target is as large as the output that it weighs.
    const target = own[compiled.outputName]?.dims;
    const shapes = new Map(target && [["target", target]]);
    return [own, await run(session, [...asked, ...added], seeds, shapes)];
  };
  const [, made] = await both([11]);
  if (typeof made === "string") {
    if (made.startsWith("not run")) return made;
    throw new Finding(`what was compiled does not run where the model does: ${made}`);
  }
  for (const { name } of source.graph.outputs) {
    const [own, again] = [numbersOf(plain[name]), numbersOf(made[name])];
    if (made[name] && own.every(Number.isFinite) && !agree(own, again, 1e-3))
      throw new Finding(`the output "${name}" is another one than the model's`);
  }
  const isBatch = compiled.batchAxis === 0 && asked.every(({ shape }) => typeof shape[0] === "string");
  if (!isBatch) return "explained";
  enter("batch");
  const pairs = [await both([11, 12]), await both([11, 13])] as const;
  const [[plainOne, one], [plainOther, other]] = pairs;
  if (pairs.flat().some((result) => typeof result === "string")) return "explained";
  const isApart = source.graph.outputs.every(({ name }) => {
    const numbers = first(plainOne, name);
    return numbers.length > 0 && agree(numbers, first(plainOther, name), 1e-5);
  });
  if (!isApart) return "explained, samples mix in the model";
  if (!agree(first(one, "relevance"), first(other, "relevance"), 1e-4))
    throw new Finding("the relevance of a sample depends on the other one of its batch");
  return "explained, samples apart";
}

export const models = kind<Damaged>({ name: "models", make, use, bytes: ({ bytes }) => bytes });
