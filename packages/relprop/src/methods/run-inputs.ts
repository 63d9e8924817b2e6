/** Tensors for the inputs that a method added. */

import { InputError } from "../errors.ts";
import type { FloatArray } from "../run/float-array.ts";
import { normalNumbers } from "../random.ts";
import { sizeOf } from "../onnx/tensor.ts";

/**
 * The baseline in the shape of the input; a single sample is repeated.
 * @throws InputError if it is missing, or its shape does not fit
 */
export function baselineLike(input: FloatArray, baseline: FloatArray | undefined): FloatArray {
  const isLike =
    baseline?.dims.length === input.dims.length &&
    baseline.dims.every((n, axis) => n === input.dims[axis] || (axis === 0 && n === 1)) &&
    sizeOf(baseline.dims) === baseline.data.length;
  if (!isLike) {
    throw new InputError({
      what: "cannot use this baseline",
      why: baseline
        ? `it has the shape [${baseline.dims.join(", ")}] and ${baseline.data.length} numbers, the input has [${input.dims.join(", ")}]`
        : 'it is missing, and the model was compiled with baseline "input"',
      fix: "give one in the shape of the input, or one sample for all",
    });
  }
  if (baseline.data.length === input.data.length) return baseline;
  const data = new Float32Array(input.data.length);
  for (let start = 0; start < data.length; start += baseline.data.length) data.set(baseline.data, start);
  return { data, dims: input.dims };
}

/** Noise [samples, …] for copies of an input, from a seeded generator. */
export function noiseLike(input: FloatArray, samples: number, seed: number): FloatArray {
  const dims = [samples, ...input.dims.slice(1)];
  return { data: normalNumbers(sizeOf(dims), seed), dims };
}
