/** What the evaluators of all families share: the arithmetic of flat indices, and numbers that are exact. */

import type { DataType, Tensor } from "../graph.ts";
import { elementSize, isFloat, numbersOf, sizeOf, tensorFrom } from "../tensor.ts";

/** Row-major strides in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const dim of dims.toReversed()) {
    strides.unshift(stride);
    stride *= dim;
  }
  return strides;
}

/** The flat index of each element's source when a tensor of `dims` is read with strides: start + Σ index·stride. */
export function sourceIndices(
  dims: readonly number[],
  strides: readonly number[],
  start: number = 0,
): Float64Array {
  const indices = new Float64Array(sizeOf(dims));
  const index = dims.map(() => 0);
  let source = start;
  for (let flat = 0; flat < indices.length; flat++) {
    indices[flat] = source;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += strides[axis] ?? 0;
      if (next < (dims[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      source -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return indices;
}

/** A tensor of elements of another, by flat index. Copies bytes, so it holds for all element types. */
export function picked(from: Tensor, dims: readonly number[], indices: ArrayLike<number>): Tensor {
  const { dataType, bytes } = from;
  const size = elementSize[dataType];
  const out = new Uint8Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const at = (indices[i] ?? 0) * size;
    for (let byte = 0; byte < size; byte++) out[i * size + byte] = bytes[at + byte] ?? 0;
  }
  return { dataType, dims, bytes: out };
}

/** Strides with which a tensor is read when it is broadcast to `dims`. */
export function broadcastStrides(from: readonly number[], dims: readonly number[]): number[] {
  const strides = stridesOf(from);
  const offset = dims.length - from.length;
  return dims.map((_, axis) =>
    axis < offset || from[axis - offset] === 1 ? 0 : (strides[axis - offset] ?? 0),
  );
}

const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** The tensor stretched to `dims`, as numpy does. */
export const stretched = (tensor: Tensor, dims: readonly number[]): Tensor =>
  sameDims(tensor.dims, dims)
    ? tensor
    : picked(tensor, dims, sourceIndices(dims, broadcastStrides(tensor.dims, dims)));

/** What reads the elements of a tensor stretched to `dims`, by the flat index there, without a copy. */
export function broadcastReader(tensor: Tensor, dims: readonly number[]): (flat: number) => number {
  const numbers = numbersOf(tensor);
  if (sameDims(tensor.dims, dims)) return (flat) => numbers[flat] ?? 0;
  const only = numbers[0] ?? 0;
  if (numbers.length === 1) return () => only;
  const indices = sourceIndices(dims, broadcastStrides(tensor.dims, dims));
  return (flat) => numbers[indices[flat] ?? 0] ?? 0;
}

/** Types whose elements do not fit a JavaScript number; they are computed as `bigint`. */
export const isBig = (dataType: DataType): boolean => dataType === "int64" || dataType === "uint64";

/** The numbers of a tensor, if a JavaScript number holds each of them exactly. */
export function exactNumbers(tensor: Tensor): ArrayLike<number> | undefined {
  if (tensor.dataType === "string") return undefined;
  const numbers = numbersOf(tensor);
  return !isBig(tensor.dataType) || Array.from(numbers).every(Number.isSafeInteger) ? numbers : undefined;
}

/** The integers of a small parameter: axes, sizes, pads. "As far as it goes" (2^63 − 1) need not be exact. */
export const integersIn = (tensor: Tensor | undefined): number[] | undefined =>
  tensor && tensor.dataType !== "string" ? Array.from(numbersOf(tensor)) : undefined;

/** A tensor of computed numbers, or undefined for types that are not computed here and integers that are not exact. */
export function computed(
  dataType: DataType,
  numbers: ArrayLike<number>,
  dims: readonly number[],
): Tensor | undefined {
  if (!isFloat(dataType) && dataType !== "bool") {
    for (let i = 0; i < numbers.length; i++) if (!Number.isSafeInteger(numbers[i])) return undefined;
  }
  return dataType === "uint64"
    ? bigTensor(dataType, Array.from(numbers, BigInt), dims)
    : tensorFrom(dataType, numbers, dims);
}

/** An int64 or uint64 tensor; what is too large wraps around, as it does in C. */
export function bigTensor(dataType: DataType, integers: ArrayLike<bigint>, dims: readonly number[]): Tensor {
  const view = dataType === "uint64" ? BigUint64Array.from(integers) : BigInt64Array.from(integers);
  return { dataType, dims, bytes: new Uint8Array(view.buffer) };
}

/** Whether all indices are inside; a wrong one is the model's error, and left for the runtime to say. */
export const inside = (indices: Iterable<number>, size: number): boolean => {
  for (const index of indices) if (!(index >= 0 && index < size)) return false;
  return true;
};
