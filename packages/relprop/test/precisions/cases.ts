/** The files that bench/peers/precisions.py wrote, and how they are run. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { compile, readLedger, type CompileOptions } from "../../src/index.ts";
import { concatChunks, readModel, writeModel, type Model } from "../../src/onnx/index.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { onnxNode } from "../../src/onnx/operator-node.ts";
import { float32Tensor, floatTensor, numbersOf } from "../../src/onnx/tensor.ts";
import { randomNumbers } from "../support/run.ts";

/** One of the files of a network. */
export interface File {
  readonly exporter: "script" | "dynamo";
  readonly form: "float32" | "float16" | "mixed16" | "int8" | "qdq" | "int4" | "fused" | "fused16" | "fused8";
  /** How many operators of com.microsoft it has. */
  readonly contrib: Readonly<Record<string, number>>;
}

/** A network, and what torch says of it in float64. */
export interface Case {
  readonly name: string;
  readonly kind: "image" | "text";
  /** The explained element of the flat output, and the outputs. */
  readonly start: number;
  readonly dims: readonly number[];
  readonly outputs: readonly number[];
  /** The picture; or token ids and attention mask. */
  readonly input: readonly (readonly number[])[];
  readonly inputDims: readonly number[];
  /** Of the picture; or its length for each token's embedding. */
  readonly gradient: readonly number[];
  readonly files: readonly File[];
}

const read = (name: string): Uint8Array => readFileSync(new URL(name, import.meta.url));

export const cases = JSON.parse(Buffer.from(read("cases.json")).toString()) as readonly Case[];

/** A file of a network. */
export const modelOf = ({ name }: Case, { exporter, form }: Pick<File, "exporter" | "form">): Model =>
  readModel(gunzipSync(read(`${name}.${exporter}.${form}.onnx.gz`)));

type Tensors = Record<string, ort.Tensor>;

/** ONNX Runtime's optimiser would take other kernels for what is quantized; without it, it cannot load all half precision. */
async function run(model: Model, feeds: Tensors, isOptimised = false): Promise<Tensors> {
  const bytes = concatChunks(writeModel(model).chunks);
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    graphOptimizationLevel: isOptimised ? "all" : "disabled",
  });
  const wanted = new Set(session.inputNames);
  const given = Object.entries(feeds).filter(([name]) => wanted.has(name));
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return results;
}

/** The numbers of a tensor; half precision comes as bits. */
function floatsOf(tensor: ort.Tensor | undefined): Float32Array {
  if (tensor?.type !== "float16") return Float32Array.from((tensor?.data as Float32Array) ?? []);
  const { buffer, byteOffset, byteLength } = tensor.data as Uint16Array;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return Float32Array.from(numbersOf({ dataType: "float16", dims: tensor.dims, bytes }));
}

function feedsOf({ graph }: Model, { input, inputDims, kind }: Case): Tensors {
  if (kind === "text")
    return Object.fromEntries(
      ["input_ids", "attention_mask"].map((name, i) => [
        name,
        new ort.Tensor("int64", BigInt64Array.from(input[i] ?? [], BigInt), inputDims),
      ]),
    );
  const type = graph.inputs[0]?.dataType === "float16" ? "float16" : "float32";
  const { bytes } = floatTensor(type, input[0] ?? [], inputDims);
  const View = type === "float16" ? Uint16Array : Float32Array;
  const data = new View(bytes.buffer as ArrayBuffer, bytes.byteOffset);
  return { input: new ort.Tensor(type, data as Float32Array, inputDims) };
}

/** What ONNX Runtime's own kernels compute of a file. */
export async function outputsOf(model: Model, each: Case, isOptimised: boolean): Promise<Float32Array> {
  const { output } = await run(model, feedsOf(model, each), isOptimised);
  return floatsOf(output);
}

/** What a compiled file computes. */
export interface Explained {
  readonly outputs: Float32Array;
  readonly relevance: Float32Array;
  /** What the ledger cannot account for, of the largest sum of magnitudes at a node. */
  readonly unaccounted: number;
}

/** Relevance of one number of the output, in a picture or for each token. */
export async function explain(model: Model, each: Case, composite: string, epsilon?: 0): Promise<Explained> {
  const options: CompileOptions = {
    composite,
    start: "output",
    ledger: true,
    ...(epsilon === 0 && { epsilon }),
  };
  const compiled = compile(model, each.kind === "text" ? { ...options, input: "input_ids" } : options);
  const data = new Float32Array(each.outputs.length);
  data[each.start] = 1;
  const feeds = { ...feedsOf(model, each), target: new ort.Tensor("float32", data, each.dims) };
  const { output, relevance, ledger } = await run(compiled.model, feeds);
  if (!compiled.ledger || !ledger) throw new Error("no ledger");
  const [found] = readLedger(compiled.ledger, { data: floatsOf(ledger), dims: ledger.dims });
  if (!found) throw new Error("an empty ledger");
  const largest = Math.max(...found.entries.map(({ sums }) => sums.magnitude));
  const stayed = Object.values(found.stayed).reduce((sum, part) => sum + part, 0);
  const gaps = [found.start - found.reached - stayed, ...found.entries.map(({ sums }) => sums.rest)];
  return {
    outputs: floatsOf(output),
    relevance: floatsOf(relevance),
    unaccounted: Math.max(...gaps.map(Math.abs)) / largest,
  };
}

/** How many steps eight bits have. */
export const steps = 255;

/** Noise as large as rounding to eight bits makes it: at most half a step, for numbers between these. */
function roundedAround(numbers: Float32Array, seed: number): Float32Array {
  const [low, high] = [Math.min(0, ...numbers), Math.max(0, ...numbers)];
  return randomNumbers(numbers.length, seed).map((noise) => (noise * (high - low)) / steps / 2);
}

/**
 * The float32 network with such noise in its tables, its weights, and all that its products read: in constants it is added,
 * and where the network computes it is a factor (x + noise) / x, so that relevance passes it unchanged.
 */
export async function withNoise({ graph, ...model }: Model, each: Case, seed: number): Promise<Model> {
  const values = inferGraph(graph);
  const isNumber = (name: string): boolean =>
    values.get(name)?.dataType === "float32" && !graph.initializers.has(name);
  const products = graph.nodes.filter(({ opType }) => ["Conv", "Gemm", "MatMul"].includes(opType));
  const read = [...new Set(products.flatMap(({ inputs }) => inputs.filter(isNumber)))];
  const given = new Set(graph.inputs.map(({ name }) => name));
  const computed = read.filter((name) => !given.has(name));
  const outputs = [...graph.outputs, ...computed.map((name) => values.get(name) as Value)];
  const found = await run({ ...model, graph: { ...graph, outputs } }, feedsOf({ ...model, graph }, each));
  const initializers = new Map(
    Array.from(graph.initializers, ([name, tensor], i) => {
      if (tensor.dataType !== "float32" || tensor.dims.length < 2) return [name, tensor] as const;
      const numbers = Float32Array.from(numbersOf(tensor));
      const noise = roundedAround(numbers, seed * 1000 + i);
      return [
        name,
        float32Tensor(
          numbers.map((x, k) => x + (noise[k] as number)),
          tensor.dims,
        ),
      ] as const;
    }),
  );
  const nodes = graph.nodes.flatMap((node) => {
    const own = node.outputs.filter((name) => computed.includes(name));
    const factors = own.map((name) => {
      const numbers = floatsOf(found[name]);
      const noise = roundedAround(numbers, seed * 1000 + 500 + computed.indexOf(name));
      // What is rounded is twice as large at most, and zero at least.
      const factor = numbers.map((x, k) => Math.min(2, Math.max(0, 1 + (noise[k] as number) / (x || 1))));
      initializers.set(`${name}_noise`, float32Tensor(factor, found[name]?.dims ?? []));
      return onnxNode("Mul", [`${name}_exact`, `${name}_noise`], [name], {}, `${name}_noisy`);
    });
    const outputs = node.outputs.map((name) => (computed.includes(name) ? `${name}_exact` : name));
    return [{ ...node, outputs }, ...factors];
  });
  return { ...model, graph: { ...graph, initializers, nodes } };
}

/** What a run of all files found of one of them. */
export interface Measured extends Pick<File, "exporter" | "form"> {
  readonly name: string;
  readonly composite: string;
  /** How far the outputs are from the float32 network's: Σ|a − b| / Σ|b|. */
  readonly outputs: number;
  /** How far relevance is. */
  readonly relevance: number;
}

/** Where a run is written down. */
export const measuredFile = new URL("measured.json", import.meta.url);
