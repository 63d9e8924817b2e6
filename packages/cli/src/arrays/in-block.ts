/** Samples and rows in the blocks that are explained together. */

import type { FloatArray, InputArray } from "@relprop/core";
import { sampleOf, sizeOf } from "@relprop/core/internal";
import type { ShownInput } from "./drawer.ts";

/** The columns of a row that feed inputs of their own, as one input. */
export function joined(inputs: readonly ShownInput[]): ShownInput | undefined {
  const [first, ...more] = inputs;
  if (!first || more.length === 0) return first;
  const all = (of: (each: ShownInput) => FloatArray): FloatArray => {
    const data = Float32Array.from(inputs.flatMap((each) => Array.from(of(each).data)));
    return { data, dims: [data.length] };
  };
  return {
    input: "columns",
    values: all(({ values }) => values),
    relevance: all(({ relevance }) => relevance),
    names: inputs.flatMap(({ names = [] }) => names),
  };
}

/** Rows of several inputs as rows of one. @param parts of each, [count, size] */
export function sideBySide(
  parts: readonly { readonly data: Float32Array; readonly size: number }[],
  count: number,
): Float32Array {
  const size = parts.reduce((sum, each) => sum + each.size, 0);
  const all = new Float32Array(count * size);
  let at = 0;
  for (let row = 0; row < count; row++) {
    for (const { data, size: own } of parts) {
      for (let i = row * own; i < (row + 1) * own; i++) all[at++] = data[i] as number;
    }
  }
  return all;
}

/** One sample of an array, without the axis that counts them. */
export function sampleIn(
  { data, dims }: InputArray,
  batchAxis: number | undefined,
  sample: number,
): FloatArray {
  if (batchAxis === 0) {
    const own = dims.slice(1);
    const size = sizeOf(own);
    return { data: floats(data.subarray(sample * size, (sample + 1) * size)), dims: own };
  }
  const own = sampleOf({ data: floats(data), dims }, batchAxis, sample);
  return { data: own.data, dims: dims.filter((_, axis) => axis !== batchAxis) };
}

/** Numbers in single precision. */
export const floats = (data: InputArray["data"]): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as Float64Array);
