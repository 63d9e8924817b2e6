/** Operators that pick or place elements by index, and those that make tensors from numbers. */

import { type Tensor, numberAttribute, stringAttribute, tensorAttribute } from "../../onnx/graph.ts";
import { elementSize, numbersOf, sizeOf } from "../../onnx/tensor.ts";
import { tensorFrom } from "../constants.ts";
import {
  type Evaluate,
  type Evaluators,
  axisIn,
  bigIntegersOf,
  bigTensor,
  computed,
  exactNumbers,
  integersIn,
  isBig,
  picked,
  sourceIndices,
  stridesOf,
} from "./evaluator.ts";

const wrapped = (index: number, size: number): number => (index < 0 ? index + size : index);

/** Whether all indices are inside; a wrong one is the model's error, and left for the runtime to say. */
const inside = (indices: Iterable<number>, size: number): boolean => {
  for (const index of indices) if (!(index >= 0 && index < size)) return false;
  return true;
};

const gathered: Evaluate = ({ node, inputs: [x, indices], dims }) => {
  if (!x || !indices) return undefined;
  const axis = axisIn(numberAttribute(node, "axis", 0), x.dims.length);
  const size = x.dims[axis] ?? 1;
  const inner = sizeOf(x.dims.slice(axis + 1));
  const outer = sizeOf(x.dims.slice(0, axis));
  const positions = Array.from(numbersOf(indices), (i) => wrapped(i, size));
  if (!inside(positions, size)) return undefined;
  const sources = new Float64Array(sizeOf(dims));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const position of positions) {
      for (let i = 0; i < inner; i++) sources[at++] = (o * size + position) * inner + i;
    }
  }
  return picked(x, dims, sources);
};

/** For each element of `indices`, the flat index into x where `axis` is replaced by the index. */
function alongAxis(x: Tensor, indices: Tensor, axis: number): Float64Array | undefined {
  const strides = stridesOf(x.dims);
  const stride = strides[axis] ?? 0;
  const size = x.dims[axis] ?? 1;
  const bases = sourceIndices(indices.dims, strides.with(axis, 0));
  const positions = Array.from(numbersOf(indices), (i) => wrapped(i, size));
  return inside(positions, size) ? bases.map((base, i) => base + (positions[i] ?? 0) * stride) : undefined;
}

const gatheredElements: Evaluate = ({ node, inputs: [x, indices], dims }) => {
  const flat = x && indices && alongAxis(x, indices, axisIn(numberAttribute(node, "axis", 0), x.dims.length));
  return x && flat && picked(x, dims, flat);
};

/** The flat start of the slice that each tuple of indices names, after `batch` axes that both share. */
function tupleStarts(x: Tensor, indices: Tensor, batch: number): number[] | undefined {
  const depth = indices.dims.at(-1) ?? 0;
  const strides = stridesOf(x.dims);
  const numbers = numbersOf(indices);
  const count = sizeOf(indices.dims.slice(0, -1));
  const perBatch = count / sizeOf(indices.dims.slice(0, batch));
  const batchStride = sizeOf(x.dims.slice(batch));
  const starts: number[] = [];
  for (let tuple = 0; tuple < count; tuple++) {
    let start = Math.floor(tuple / perBatch) * batchStride;
    for (let k = 0; k < depth; k++) {
      const size = x.dims[batch + k] ?? 1;
      const index = wrapped(numbers[tuple * depth + k] ?? 0, size);
      if (!inside([index], size)) return undefined;
      start += index * (strides[batch + k] ?? 0);
    }
    starts.push(start);
  }
  return starts;
}

const gatheredTuples: Evaluate = ({ node, inputs: [x, indices], dims }) => {
  if (!x || !indices) return undefined;
  const batch = numberAttribute(node, "batch_dims", 0);
  const run = sizeOf(x.dims.slice(batch + (indices.dims.at(-1) ?? 0)));
  const starts = tupleStarts(x, indices, batch);
  return (
    starts &&
    picked(
      x,
      dims,
      starts.flatMap((start) => Array.from({ length: run }, (_, i) => start + i)),
    )
  );
};

type Merge = (before: number, update: number) => number;

const merges: Readonly<Record<string, Merge>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

/** x with elements replaced by, or merged with, the updates at flat indices; the last of several wins. */
function scattered(
  x: Tensor,
  places: ArrayLike<number>,
  updates: Tensor,
  reduction: string,
): Tensor | undefined {
  if (reduction === "none") {
    const size = elementSize[x.dataType];
    const bytes = new Uint8Array(x.bytes);
    for (let i = 0; i < places.length; i++) {
      bytes.set(updates.bytes.subarray(i * size, (i + 1) * size), (places[i] ?? 0) * size);
    }
    return { ...x, bytes };
  }
  const merge = merges[reduction];
  const [numbers, more] = [exactNumbers(x), exactNumbers(updates)];
  if (!merge || !numbers || !more) return undefined;
  const out = Float64Array.from(numbers);
  for (let i = 0; i < places.length; i++) {
    const at = places[i] ?? 0;
    out[at] = merge(out[at] ?? 0, more[i] ?? 0);
    if (x.dataType === "float32") out[at] = Math.fround(out[at]);
  }
  return computed(x.dataType, out, x.dims);
}

const scatteredElements: Evaluate = ({ node, inputs: [x, indices, updates] }) => {
  if (!x || !indices || !updates) return undefined;
  const flat = alongAxis(x, indices, axisIn(numberAttribute(node, "axis", 0), x.dims.length));
  return flat && scattered(x, flat, updates, stringAttribute(node, "reduction", "none"));
};

const scatteredTuples: Evaluate = ({ node, inputs: [x, indices, updates] }) => {
  if (!x || !indices || !updates) return undefined;
  const run = sizeOf(x.dims.slice(indices.dims.at(-1) ?? 0));
  const places = tupleStarts(x, indices, 0)?.flatMap((start) =>
    Array.from({ length: run }, (_, i) => start + i),
  );
  return places && scattered(x, places, updates, stringAttribute(node, "reduction", "none"));
};

const oneHot: Evaluate = ({ node, inputs: [indices, depth, values], dims }) => {
  const size = integersIn(depth)?.[0];
  if (!indices || size === undefined || !values) return undefined;
  const axis = axisIn(numberAttribute(node, "axis", -1), dims.length);
  const inner = sizeOf(dims.slice(axis + 1));
  const numbers = numbersOf(indices);
  const hot = Float64Array.from({ length: sizeOf(dims) }, (_, flat) => {
    const [position, outer] = [Math.floor(flat / inner) % size, Math.floor(flat / inner / size)];
    return Number(wrapped(numbers[outer * inner + (flat % inner)] ?? 0, size) === position);
  });
  return picked(values, dims, hot);
};

/** The triangle of the last two axes that `k` and `upper` leave; the rest is zero. */
const triangle: Evaluate = ({ node, inputs: [x, k] }) => {
  if (!x) return undefined;
  const upper = numberAttribute(node, "upper", 1) === 1;
  const shift = integersIn(k)?.[0] ?? 0;
  const [rows = 1, columns = 1] = x.dims.slice(-2);
  const size = elementSize[x.dataType];
  const bytes = new Uint8Array(x.bytes);
  for (let flat = 0; flat < sizeOf(x.dims); flat++) {
    const [row, column] = [Math.floor(flat / columns) % rows, flat % columns];
    const kept = upper ? column - row >= shift : column - row <= shift;
    if (!kept) bytes.fill(0, flat * size, (flat + 1) * size);
  }
  return { ...x, bytes };
};

const filled: Evaluate = ({ node, dims }) => {
  const value = tensorAttribute(node, "value") ?? tensorFrom("float32", [0], [1]);
  return value && picked(value, dims, new Uint8Array(sizeOf(dims)));
};

const counted: Evaluate = ({ inputs: [start, , delta], dims, dataType }) => {
  if (!start || !delta) return undefined;
  const length = sizeOf(dims);
  if (isBig(dataType)) {
    const [first = 0n, step = 1n] = [bigIntegersOf(start)[0], bigIntegersOf(delta)[0]];
    return bigTensor(
      dataType,
      Array.from({ length }, (_, i) => first + BigInt(i) * step),
      dims,
    );
  }
  const [first = 0, step = 1] = [numbersOf(start)[0], numbersOf(delta)[0]];
  return computed(
    dataType,
    Array.from({ length }, (_, i) => first + i * step),
    dims,
  );
};

/** opType -> evaluator. */
export const indexing: Evaluators = {
  Gather: gathered,
  GatherElements: gatheredElements,
  GatherND: gatheredTuples,
  ScatterElements: scatteredElements,
  ScatterND: scatteredTuples,
  OneHot: oneHot,
  Trilu: triangle,
  ConstantOfShape: filled,
  Range: counted,
};

const nonZero: Evaluate = ({ inputs: [x] }) => {
  if (!x) return undefined;
  const strides = stridesOf(x.dims);
  const found = Array.from(numbersOf(x)).flatMap((value, flat) => (value === 0 ? [] : [flat]));
  const rows = x.dims.map((size, axis) =>
    found.map((flat) => Math.floor(flat / (strides[axis] ?? 1)) % size),
  );
  // The indices of a scalar are none: a matrix without rows.
  return computed("int64", rows.flat(), [x.dims.length, found.length]);
};

const compressed: Evaluate = ({ node, inputs: [x, condition] }) => {
  if (!x || !condition) return undefined;
  const kept = Array.from(numbersOf(condition)).flatMap((value, i) => (value ? [i] : []));
  const given = node.attributes["axis"];
  if (given?.type !== "int") return picked(x, [kept.length], kept);
  const axis = axisIn(given.value, x.dims.length);
  const dims = x.dims.with(axis, kept.length);
  const indices = sourceIndices(dims, stridesOf(x.dims).with(axis, 0));
  const inner = sizeOf(dims.slice(axis + 1));
  const stride = stridesOf(x.dims)[axis] ?? 0;
  const sources = indices.map(
    (base, flat) => base + (kept[Math.floor(flat / inner) % kept.length] ?? 0) * stride,
  );
  return picked(x, dims, sources);
};

/** Operators whose shape depends on the elements, so that shape inference does not know it. */
export const measuring: Evaluators = {
  NonZero: nonZero,
  Compress: compressed,
};
