/** Elements of constants along axes, and what they are folded to. */

import { wrapped } from "../axis.ts";
import type { Node, Tensor } from "../graph.ts";
import { computed, exactNumbers, sourceIndices, stridesOf } from "./evaluating.ts";
import type { Call } from "./operator.ts";

/** For each element of the result, the flat indices of what is reduced to it: start of each run, and offsets within. */
export function runs(
  dims: readonly number[],
  axes: readonly number[],
): { starts: Float64Array; offsets: Float64Array } {
  const strides = stridesOf(dims);
  const part = (keep: (axis: number) => boolean): Float64Array => {
    const chosen = dims.map((_, axis) => axis).filter(keep);
    return sourceIndices(
      chosen.map((axis) => dims[axis] ?? 1),
      chosen.map((axis) => strides[axis] ?? 0),
    );
  };
  return { starts: part((axis) => !axes.includes(axis)), offsets: part((axis) => axes.includes(axis)) };
}

export type Fold = (values: Float64Array) => number;

/** A fold that takes the values one by one. */
export const folding =
  (start: number, take: (before: number, value: number) => number): Fold =>
  (values) => {
    let result = start;
    for (const value of values) result = take(result, value);
    return result;
  };

export const sum = folding(0, (total, value) => total + value);

export const sumOfSquares = folding(0, (total, value) => total + value * value);

export const largest = folding(-Infinity, Math.max);

export function logSumExp(values: Float64Array): number {
  const most = largest(values);
  const shift = Number.isFinite(most) ? most : 0;
  return shift + Math.log(sum(values.map((value) => Math.exp(value - shift))));
}

/** Applies a function to every line of elements along an axis. */
export function alongAxis(
  { node, inputs: [x], dims, dataType }: Call,
  axis: number,
  apply: (line: Float64Array, node: Node) => Float64Array,
): Tensor | undefined {
  const numbers = x && exactNumbers(x);
  if (!x || !numbers) return undefined;
  const { starts, offsets } = runs(x.dims, [wrapped(axis, x.dims.length)]);
  const out = new Float64Array(numbers.length);
  for (const start of starts) {
    const line = apply(
      offsets.map((offset) => numbers[start + offset] ?? 0),
      node,
    );
    for (const [i, value] of line.entries()) out[start + (offsets[i] ?? 0)] = value;
  }
  return computed(dataType, out, dims);
}
