/**
 * Real numbers that a file stores as whole ones: w = (q − zero) · scale, or w = table[q] · scale. Canonical graphs have them
 * as float32 constants, whose numbers are computed when somebody asks for them; compiled files have the whole numbers
 * (write-stored-weights.ts).
 */

import { wrapped } from "./axis.ts";
import type { Tensor } from "./graph.ts";
import { float32Tensor, numbersOf, sizeOf } from "./tensor.ts";

/** What real numbers are made of. */
export interface StoredWeights {
  /** The whole numbers. */
  readonly q: Tensor;
  /** float32: one number, one for each index of `axis`, or one for each block of it. */
  readonly scale: Tensor;
  /** One number, or as many as scales; without it, 0. */
  readonly zero?: Tensor | undefined;
  /** The numbers that q are indices of. */
  readonly table?: readonly number[];
  /** The axis along which scales differ. */
  readonly axis: number;
  /** Elements of a block along the axis; 0 if each index has a scale of its own. */
  readonly block: number;
  /** For a matrix: its first columns that count, where blocks are padded. */
  readonly columns?: number;
  /** For a matrix: whether rows and columns change places. */
  readonly turned?: boolean;
}

const stored = new WeakMap<Tensor, StoredWeights>();

/** What the real numbers of a constant are made of; undefined for all others. */
export const storedIn = (tensor: Tensor): StoredWeights | undefined => stored.get(tensor);

/** For each element of q the index of its scale; undefined if the scales do not fit. */
export function scaleIndex(
  dims: readonly number[],
  scaleDims: readonly number[],
  axis: number,
  block: number,
): ((i: number) => number) | undefined {
  const count = sizeOf(scaleDims);
  if (count === 1 && block === 0) return () => 0;
  const at = wrapped(axis, dims.length);
  const size = dims[at];
  if (size === undefined) return undefined;
  const inner = sizeOf(dims.slice(at + 1));
  if (block === 0) return count === size ? (i) => Math.floor(i / inner) % size : undefined;
  const blocks = Math.ceil(size / block);
  if (count !== sizeOf(dims.with(at, blocks))) return undefined;
  return (i) => {
    const along = Math.floor(i / inner) % size;
    const outer = Math.floor(i / (inner * size));
    return (outer * blocks + Math.floor(along / block)) * inner + (i % inner);
  };
}

function computed({ q, scale, zero, table, axis, block, columns, turned }: StoredWeights): Float32Array {
  const indexOf = scaleIndex(q.dims, scale.dims, axis, block) ?? (() => 0);
  const [numbers, scales, zeros] = [numbersOf(q), numbersOf(scale), zero && numbersOf(zero)];
  const numberAt = (i: number): number => {
    const at = indexOf(i);
    const number = numbers[i] ?? 0;
    const centred = table
      ? (table[number] ?? 0)
      : Math.fround(number - (zeros?.[zeros.length === 1 ? 0 : at] ?? 0));
    return centred * (scales[at] ?? 0);
  };
  if (columns === undefined && !turned) return Float32Array.from(numbers, (_, i) => numberAt(i));
  const [rows = 1, width = 1] = q.dims;
  const kept = columns ?? width;
  const result = new Float32Array(rows * kept);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < kept; column++)
      result[turned ? column * rows + row : row * kept + column] = numberAt(row * width + column);
  return result;
}

function dimsOf({ q, columns, turned }: StoredWeights): readonly number[] {
  const dims = columns === undefined ? q.dims : [...q.dims.slice(0, -1), columns];
  return turned ? dims.toReversed() : dims;
}

/** The real numbers as a float32 constant; undefined if the scales do not fit. */
export function storedWeights(weights: StoredWeights): Tensor | undefined {
  const { q, scale, axis, block } = weights;
  if (!q.dataType.includes("int") || !scaleIndex(q.dims, scale.dims, axis, block)) return undefined;
  let held: WeakRef<Uint8Array> | undefined;
  const tensor: Tensor = {
    dataType: "float32",
    dims: dimsOf(weights),
    get bytes() {
      const bytes = held?.deref() ?? float32Tensor(computed(weights), dimsOf(weights)).bytes;
      held = new WeakRef(bytes);
      return bytes;
    },
  };
  stored.set(tensor, weights);
  return tensor;
}
