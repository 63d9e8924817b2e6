/** Runs a model in ONNX Runtime on one input. */

import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Model } from "../../src/onnx/graph.ts";
import { concatChunks, writeModel } from "../../src/onnx/write-model.ts";

/** The first output of a model, and its shape. */
export async function runModel(
  model: Model,
  data: Float32Array,
  dims: readonly number[],
): Promise<{ data: number[]; dims: readonly number[] }> {
  const session = await InferenceSession.create(concatChunks(writeModel(model).chunks));
  const [input, output] = [session.inputNames[0] ?? "", session.outputNames[0] ?? ""];
  const result = (await session.run({ [input]: new Tensor("float32", data, dims) }))[output];
  await session.release();
  if (!result || !(result.data instanceof Float32Array)) throw new Error("the model has no float32 output");
  return { data: [...result.data], dims: result.dims };
}

/** 7919 i mod 251 as fractions: an input that the fixtures' script computes as well. */
export function pixels(...dims: readonly number[]): Float32Array {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 251) / 250);
}
