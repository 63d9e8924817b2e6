/** The architectures that bench/peers/architectures exported: graphs without weights, inputs, and what torch says of them. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { concatChunks, readModel, writeModel, type Model } from "../../src/onnx/index.ts";
import { below, fill, readRecipe } from "./recipes.ts";

/** One of the graphs of an architecture. */
export interface ExportedGraph {
  readonly exporter: "script" | "dynamo";
  /** "N" where the exported batch is open. */
  readonly batch: "N" | 1;
  readonly opset: number;
  readonly nodes: number;
  /** The tensor of token embeddings, in text models. */
  readonly embedding?: string;
}

/** Numbers of a tensor at hash-chosen positions (all of a small one), and how large it is. */
interface Sampled {
  readonly dims: readonly number[];
  readonly largest: number;
  /** Where in numbers.bin. */
  readonly offset: number;
  readonly count: number;
}

/** An architecture with random weights. */
export interface Case {
  readonly name: string;
  readonly source: "torchvision" | "timm" | "transformers" | "handmade";
  readonly kind: "image" | "text";
  readonly input: readonly number[];
  /** The hash number of its input. */
  readonly inputNumber: number;
  /** The explained elements of the flat output: their sum is `value`. */
  readonly start: number;
  readonly count: number;
  readonly value: number;
  readonly outputs: Sampled;
  /** Of the input, or in text models of the token embeddings. `rounding`: float32 against float64 in torch itself. */
  readonly gradient: Sampled & { readonly norm: number; readonly rounding: number };
  readonly graphs: readonly ExportedGraph[];
  readonly vocabulary?: number;
  readonly masked?: boolean;
  /** Embedding × gradient, summed for each token. */
  readonly tokens?: readonly number[];
}

/** What a run of all architectures found of one graph. */
export interface Measured {
  readonly name: string;
  readonly source: Case["source"];
  readonly exporter: ExportedGraph["exporter"];
  /** Of the LRP run; the gradient is always compared as well. */
  readonly composite: string;
  /** Nodes of the exported graph. */
  readonly operators: Readonly<Record<string, number>>;
  /** Time to compile, in milliseconds. */
  readonly milliseconds: number;
  /** Largest difference from torch's gradient, of its largest number. */
  readonly gradient: number;
  /** Relevance that the ledger cannot account for, of the largest sum of magnitudes at a node. */
  readonly unaccounted: number;
}

const folder = new URL("./", import.meta.url);

/** Where a run of all architectures is written down. */
export const measuredFile = new URL("measured.json", folder);
const file = (name: string): Buffer => readFileSync(new URL(name, folder));

export const { cases } = JSON.parse(file("cases.json").toString()) as { cases: readonly Case[] };

const numbers = (() => {
  const { buffer, byteOffset, byteLength } = file("numbers.bin");
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
})();

/** The same hash number as in reference.py. */
const positionNumber = 4242;

/** max |found − expected| at the sampled positions, of the largest number that the expected tensor has. */
export function distanceTo({ dims, largest, offset, count }: Sampled, found: ArrayLike<number>): number {
  const size = dims.reduce((a, n) => a * n, 1);
  if (found.length !== size) return Infinity;
  const places = count === size ? undefined : below(count, positionNumber, size);
  let distance = 0;
  for (let i = 0; i < count; i++) {
    const difference = Math.abs((found[places?.[i] ?? i] as number) - (numbers[offset + i] as number));
    if (!(difference <= distance)) distance = difference;
  }
  return distance / largest;
}

/** The exported model with its weights. */
export function modelOf({ name }: Case, { exporter }: ExportedGraph): Model {
  return readModel(gunzipSync(file(`${name}.${exporter}.onnx.gz`)), { readExternal: readRecipe });
}

/** What the network is run on. */
export function feedsOf(each: Case): Record<string, ort.Tensor> {
  const size = each.input.reduce((a, n) => a * n, 1);
  if (each.kind === "image")
    return { input: new ort.Tensor("float32", fill(size, each.inputNumber, -1, 1), each.input) };
  const ids = below(size, each.inputNumber, (each.vocabulary as number) - 5).map((id) => BigInt(id + 5));
  const mask = ids.map((_, i) => (each.masked && i >= size - 2 ? 0n : 1n));
  const int64 = (data: bigint[]): ort.Tensor => new ort.Tensor("int64", BigInt64Array.from(data), each.input);
  return { input_ids: int64(ids), attention_mask: int64(mask) };
}

/** Ones at the explained elements. */
export function targetOf({ outputs, start, count }: Case): ort.Tensor {
  const data = new Float32Array(outputs.dims.reduce((a, n) => a * n, 1)).fill(1, start, start + count);
  return new ort.Tensor("float32", data, outputs.dims);
}

/**
 * Runs a compiled model; outputs by name. As the explainer does but for `executionMode`: ONNX Runtime 1.30 plans which
 * tensors share memory in time quadratic in the nodes, 45 s for the 15 000 of the largest graph here with its ledger,
 * unless it is to run nodes side by side.
 */
export async function run(
  model: Model,
  feeds: Record<string, ort.Tensor>,
): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 3,
    executionMode: "parallel",
    interOpNumThreads: 1,
    extra: { session: { disable_prepacking: "1" } },
  });
  const wanted = new Set(session.inputNames);
  const given = Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)));
  const results = await session.run(given);
  await session.release();
  return results;
}
