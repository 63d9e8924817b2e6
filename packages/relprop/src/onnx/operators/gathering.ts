/** Operators that read elements at given places: Gather, Compress, NonZero, Unique … */

import { wrapped } from "../axis.ts";
import { type Dim, type Tensor, type TensorInfo, numberAttribute } from "../graph.ts";
import { numbersOf, sizeOf } from "../tensor.ts";
import { computed, inside, picked, sourceIndices, stridesOf } from "./evaluating.ts";
import {
  axisOf,
  contradiction,
  elementsOf,
  freshDim,
  input,
  like,
  numbersIn,
  showShape,
  withDim,
  withElements,
} from "./inferring.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";
import { product } from "./sizes.ts";

const gather: ShapeRule = (node, inputs) => {
  const data = input(node, inputs, 0);
  const indices = input(node, inputs, 1);
  const axis = axisOf(node, numberAttribute(node, "axis", 0), data.shape.length);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const from = data.shape.length === 1 ? elementsOf(data) : undefined;
  const elements = from && numbersIn(indices)?.map((i) => from[wrapped(i, from.length)]);
  return [withElements(data.dataType, shape, elements)];
};

const gathered: Evaluate = ({ node, inputs: [x, indices], dims }) => {
  if (!x || !indices) return undefined;
  const axis = wrapped(numberAttribute(node, "axis", 0), x.dims.length);
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
export function placesAlong(x: Tensor, indices: Tensor, axis: number): Float64Array | undefined {
  const strides = stridesOf(x.dims);
  const stride = strides[axis] ?? 0;
  const size = x.dims[axis] ?? 1;
  const bases = sourceIndices(indices.dims, strides.with(axis, 0));
  const positions = Array.from(numbersOf(indices), (i) => wrapped(i, size));
  return inside(positions, size) ? bases.map((base, i) => base + (positions[i] ?? 0) * stride) : undefined;
}

const gatherElements: ShapeRule = (node, inputs) => [
  { dataType: input(node, inputs, 0).dataType, shape: input(node, inputs, 1).shape },
];

const gatheredElements: Evaluate = ({ node, inputs: [x, indices], dims }) => {
  const flat =
    x && indices && placesAlong(x, indices, wrapped(numberAttribute(node, "axis", 0), x.dims.length));
  return x && flat && picked(x, dims, flat);
};

/** The flat start of the slice that each tuple of indices names, after `batch` axes that both share. */
export function tupleStarts(x: Tensor, indices: Tensor, batch: number): number[] | undefined {
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

const gatherNd: ShapeRule = (node, inputs) => {
  const data = input(node, inputs, 0);
  const { shape } = input(node, inputs, 1);
  const batch = numberAttribute(node, "batch_dims", 0);
  const depth = shape.at(-1);
  if (typeof depth !== "number") return undefined;
  if (batch + depth > data.shape.length) {
    throw contradiction(
      node,
      `indices of ${showShape(shape)} are deeper than the data of ${showShape(data.shape)}`,
    );
  }
  return [{ dataType: data.dataType, shape: [...shape.slice(0, -1), ...data.shape.slice(batch + depth)] }];
};

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

/** As many as the condition keeps, if it is known; of one axis, or of all elements in a row. */
const compress: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const condition = input(node, inputs, 1).constant;
  const kept = condition && Array.from(numbersOf(condition)).filter((keeps) => keeps !== 0).length;
  if (!node.attributes["axis"]) return [{ dataType, shape: [kept ?? freshDim(node, 0)] }];
  const axis = axisOf(node, numberAttribute(node, "axis", 0), shape.length);
  return [{ dataType, shape: withDim(shape, axis, kept ?? freshDim(node, axis)) }];
};

const compressed: Evaluate = ({ node, inputs: [x, condition] }) => {
  if (!x || !condition) return undefined;
  const kept = Array.from(numbersOf(condition)).flatMap((value, i) => (value ? [i] : []));
  const given = node.attributes["axis"];
  if (given?.type !== "int") return picked(x, [kept.length], kept);
  const axis = wrapped(given.value, x.dims.length);
  const dims = x.dims.with(axis, kept.length);
  const indices = sourceIndices(dims, stridesOf(x.dims).with(axis, 0));
  const inner = sizeOf(dims.slice(axis + 1));
  const stride = stridesOf(x.dims)[axis] ?? 0;
  const sources = indices.map(
    (base, flat) => base + (kept[Math.floor(flat / inner) % kept.length] ?? 0) * stride,
  );
  return picked(x, dims, sources);
};

/** Indices of what is not zero: as many columns as the run finds. */
const nonZeroShape: ShapeRule = (node, inputs) => [
  { dataType: "int64", shape: [input(node, inputs, 0).shape.length, freshDim(node, 1)] },
];

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

const indices = (length: Dim): TensorInfo => ({ dataType: "int64", shape: [length] });

/** The different elements (or slices), and three lists of indices that say where they were. */
const unique: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const hasAxis = node.attributes["axis"] !== undefined;
  const axis = hasAxis ? axisOf(node, numberAttribute(node, "axis", 0), shape.length) : 0;
  const count = freshDim(node, axis);
  const total = hasAxis ? (shape[axis] as Dim) : product(shape);
  const y = { dataType, shape: hasAxis ? withDim(shape, axis, count) : [count] };
  return [y, indices(count), indices(total), indices(count)].slice(0, node.outputs.length);
};

/** Triples of batch, class and box: as many as the run finds. */
const nonMaxSuppression: ShapeRule = (node) => [{ dataType: "int64", shape: [freshDim(node, 0), 3] }];

export const gathering: Operators = {
  Gather: { shape: gather, evaluate: gathered },
  GatherElements: { shape: gatherElements, evaluate: gatheredElements },
  GatherND: { shape: gatherNd, evaluate: gatheredTuples },
  Compress: { shape: compress, evaluate: compressed, measures: true },
  NonZero: { shape: nonZeroShape, evaluate: nonZero, measures: true },
  Unique: { shape: unique },
  NonMaxSuppression: { shape: nonMaxSuppression },
  ReverseSequence: { shape: like },
};
