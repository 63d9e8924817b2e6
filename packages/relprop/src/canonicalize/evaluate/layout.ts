/** Operators that move, repeat or drop elements. They copy bytes, so they hold for all element types. */

import { type Tensor, intsAttribute, numberAttribute, stringAttribute } from "../../onnx/graph.ts";
import { elementSize, sizeOf } from "../../onnx/tensor.ts";
import { fixedDims } from "../constants.ts";
import {
  type Evaluate,
  type Evaluators,
  axisIn,
  integersIn,
  picked,
  sourceIndices,
  stretched,
  stridesOf,
} from "./evaluator.ts";

const reshaped: Evaluate = ({ inputs: [x], dims }) => x && { ...x, dims };

/** The elements read in the order of `dims`, axis i of which is axis order[i] of x. */
function reordered(x: Tensor, order: readonly number[]): Tensor {
  const strides = stridesOf(x.dims);
  const dims = order.map((axis) => x.dims[axis] ?? 1);
  const along = order.map((axis) => strides[axis] ?? 0);
  return picked(x, dims, sourceIndices(dims, along));
}

const transposed: Evaluate = ({ node, inputs: [x] }) =>
  x && reordered(x, intsAttribute(node, "perm") ?? x.dims.map((_, i) => x.dims.length - 1 - i));

const expanded: Evaluate = ({ inputs: [x], dims }) => x && stretched(x, dims);

const sliced: Evaluate = ({ inputs: [x, starts, ends, axes, steps], dims }) => {
  const begins = integersIn(starts);
  if (!x || !begins || !ends) return undefined;
  const strides = stridesOf(x.dims);
  let start = 0;
  const along = [...strides];
  for (const [i, begin] of begins.entries()) {
    const axis = axisIn(integersIn(axes)?.[i] ?? i, x.dims.length);
    const size = x.dims[axis] ?? 1;
    const step = integersIn(steps)?.[i] ?? 1;
    const wrapped = begin < 0 ? begin + size : begin;
    const first = Math.min(Math.max(wrapped, 0), step > 0 ? size : size - 1);
    start += first * (strides[axis] ?? 0);
    along[axis] = (strides[axis] ?? 0) * step;
  }
  return picked(x, dims, sourceIndices(dims, along, start));
};

const concatenated: Evaluate = ({ node, inputs, dims, dataType }) => {
  const axis = axisIn(numberAttribute(node, "axis", 0), dims.length);
  const outer = sizeOf(dims.slice(0, axis));
  const bytes = new Uint8Array(sizeOf(dims) * elementSize[dataType]);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of inputs) {
      if (!part) return undefined;
      const run = part.bytes.byteLength / outer;
      bytes.set(part.bytes.subarray(o * run, (o + 1) * run), at);
      at += run;
    }
  }
  return { dataType, dims, bytes };
};

const parts: Evaluate = ({ node, inputs: [x], outputs }) => {
  if (!x) return undefined;
  const axis = axisIn(numberAttribute(node, "axis", 0), x.dims.length);
  const strides = stridesOf(x.dims);
  const stride = strides[axis] ?? 0;
  const out: Tensor[] = [];
  let start = 0;
  for (const { shape } of outputs) {
    const dims = fixedDims(shape);
    if (!dims) return undefined;
    out.push(picked(x, dims, sourceIndices(dims, strides, start * stride)));
    start += dims[axis] ?? 0;
  }
  return out;
};

/** Flat source index for each output element, when along every axis `maps` says which index is read; −1 is none. */
function mapped(x: Tensor, maps: readonly (readonly number[])[]): number[] {
  const strides = stridesOf(x.dims);
  let flat = [0];
  for (const [axis, map] of maps.entries()) {
    const stride = strides[axis] ?? 0;
    flat = flat.flatMap((base) => map.map((index) => (base < 0 || index < 0 ? -1 : base + index * stride)));
  }
  return flat;
}

const tiled: Evaluate = ({ inputs: [x, repeats], dims }) => {
  if (!x || !repeats) return undefined;
  const maps = x.dims.map((size, axis) => Array.from({ length: dims[axis] ?? 0 }, (_, i) => i % size));
  return picked(x, dims, mapped(x, maps));
};

/** Which index is read outside of [0, size); −1 is the constant. */
const padModes: Readonly<Record<string, (index: number, size: number) => number>> = {
  constant: () => -1,
  edge: (index, size) => Math.min(Math.max(index, 0), size - 1),
  reflect: (index, size) => {
    const period = Math.max(1, 2 * (size - 1));
    const within = ((index % period) + period) % period;
    return within < size ? within : period - within;
  },
  wrap: (index, size) => ((index % size) + size) % size,
};

const padded: Evaluate = ({ node, inputs: [x, pads, value, axes], dims, dataType }) => {
  const amounts = integersIn(pads);
  const outside = padModes[stringAttribute(node, "mode", "constant")];
  if (!x || !amounts || !outside) return undefined;
  const chosen = integersIn(axes) ?? x.dims.map((_, i) => i);
  const before = x.dims.map(() => 0);
  for (const [i, axis] of chosen.entries()) before[axisIn(axis, x.dims.length)] = amounts[i] ?? 0;
  const maps = x.dims.map((size, axis) =>
    Array.from({ length: dims[axis] ?? 0 }, (_, i) => {
      const index = i - (before[axis] ?? 0);
      return index >= 0 && index < size ? index : outside(index, size);
    }),
  );
  // The constant comes after the elements of x.
  const zero = { dataType, dims: [], bytes: new Uint8Array(elementSize[dataType]) };
  const bytes = new Uint8Array([...x.bytes, ...(value ?? zero).bytes]);
  const count = sizeOf(x.dims);
  const sources = mapped(x, maps).map((index) => (index < 0 ? count : index));
  return picked({ dataType, dims: [count + 1], bytes }, dims, sources);
};

/** Blocks of pixels are channels. DCR: block before channel; CRD: channel before block. */
const depthToSpace: Evaluate = ({ node, inputs: [x], dims }) => {
  const block = numberAttribute(node, "blocksize", 1);
  const [batch = 1, channels = 1, height = 1, width = 1] = x?.dims ?? [];
  if (!x) return undefined;
  const depth = channels / (block * block);
  const isDcr = stringAttribute(node, "mode", "DCR") === "DCR";
  const split = isDcr
    ? [batch, block, block, depth, height, width]
    : [batch, depth, block, block, height, width];
  return { ...reordered({ ...x, dims: split }, isDcr ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]), dims };
};

const spaceToDepth: Evaluate = ({ node, inputs: [x], dims }) => {
  const block = numberAttribute(node, "blocksize", 1);
  const [batch = 1, channels = 1, height = 1, width = 1] = x?.dims ?? [];
  if (!x) return undefined;
  const split = [batch, channels, height / block, block, width / block, block];
  return { ...reordered({ ...x, dims: split }, [0, 3, 5, 1, 2, 4]), dims };
};

/** opType -> evaluator. */
export const layout: Evaluators = {
  Identity: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Flatten: reshaped,
  Transpose: transposed,
  Expand: expanded,
  Slice: sliced,
  Concat: concatenated,
  Split: parts,
  Tile: tiled,
  Pad: padded,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
