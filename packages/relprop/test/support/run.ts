/** Runs a model in ONNX Runtime, the plain way: bytes in, arrays out. */

import * as ort from "onnxruntime-node";
import { concatChunks, writeModel, type Model } from "../../src/onnx/index.ts";

export interface Array32 {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export async function runModel(
  model: Model,
  feeds: Readonly<Record<string, Array32>>,
): Promise<Record<string, { data: Float32Array; dims: readonly number[] }>> {
  const bytes = concatChunks(writeModel(model).chunks);
  return runBytes(bytes, feeds);
}

export async function runBytes(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Array32>>,
): Promise<Record<string, { data: Float32Array; dims: readonly number[] }>> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(
    ([name, { data, dims }]) => [name, new ort.Tensor("float32", data, dims)] as const,
  );
  const results = await session.run(Object.fromEntries(tensors));
  const outputs = Object.entries(results).map(
    ([name, tensor]) =>
      [name, { data: Float32Array.from(tensor.data as Float32Array, Number), dims: tensor.dims }] as const,
  );
  await session.release();
  return Object.fromEntries(outputs);
}

/** max |a − b| / max |b| */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let distance = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= distance)) distance = difference;
    largest = Math.max(largest, Math.abs(b[i] as number));
  }
  return distance / (largest || 1);
}

/** Reproducible numbers in [−1, 1): a linear congruential generator (Numerical Recipes). */
export function randomNumbers(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
