/** Operators that join, split, repeat or surround tensors. They copy bytes, so they hold for all element types. */

import { wrapped } from "../axis.ts";
import {
  type Dim,
  type Tensor,
  fixedDims,
  intsAttribute,
  numberAttribute,
  stringAttribute,
} from "../graph.ts";
import { elementSize, sizeOf } from "../tensor.ts";
import { integersIn, picked, sourceIndices, stretched, stridesOf } from "./evaluating.ts";
import {
  axisOf,
  broadcastShapes,
  contradiction,
  elementsOf,
  freshDim,
  freshShape,
  input,
  numbersIn,
  sameDim,
  showShape,
  withDim,
  withElements,
} from "./inferring.ts";
import { rankFrom } from "./layout.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";
import { exactQuotient, plus, product } from "./sizes.ts";

const concat: ShapeRule = (node, inputs) => {
  const infos = inputs.map((_, i) => input(node, inputs, i));
  const first = input(node, inputs, 0);
  const rank = first.shape.length;
  const axis = axisOf(node, numberAttribute(node, "axis", 0), rank);
  const why = (): string =>
    `shapes ${infos.map((info) => showShape(info.shape)).join(", ")} do not agree outside of axis ${axis}`;
  if (infos.some((info) => info.shape.length !== rank)) throw contradiction(node, why());
  const shape = first.shape.map((dim, i): Dim => {
    const dims = infos.map((info) => info.shape[i] ?? 1);
    if (i !== axis) return dims.reduce((a, b) => sameDim(node, a, b, why), dim);
    const symbols = dims.filter((d) => typeof d === "string");
    const fixed = dims.reduce((sum: number, d) => (typeof d === "number" ? sum + d : sum), 0);
    if (symbols.length === 0) return fixed;
    if (new Set(symbols).size > 1) return freshDim(node, axis);
    return plus(product([symbols.length, symbols[0] ?? 1]), fixed);
  });
  const lists = infos.map(elementsOf);
  const elements =
    rank === 1 && lists.every((list) => list) ? lists.flatMap((list) => list ?? []) : undefined;
  return [withElements(first.dataType, shape, elements)];
};

const concatenated: Evaluate = ({ node, inputs, dims, dataType }) => {
  const axis = wrapped(numberAttribute(node, "axis", 0), dims.length);
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

const split: ShapeRule = (node, inputs) => {
  const info = input(node, inputs, 0);
  const { dataType, shape } = info;
  const axis = axisOf(node, numberAttribute(node, "axis", 0), shape.length);
  const size = shape[axis] ?? 1;
  const count = node.outputs.length;
  const sizes = inputs[1] ? elementsOf(inputs[1]) : intsAttribute(node, "split");
  if (sizes && sizes.length !== count) {
    throw contradiction(node, `it gives ${count} outputs, but ${sizes.length} sizes`);
  }
  const known = sizes?.every((part) => typeof part === "number") ? sizes : undefined;
  const total = known?.reduce((sum, part) => sum + part, 0);
  if (total !== undefined && typeof size === "number" && total !== size) {
    throw contradiction(
      node,
      `sizes ${showShape(known ?? [])} do not add up to ${size} of ${showShape(shape)}`,
    );
  }
  const even = (output: number): Dim => {
    if (inputs[1]) return freshDim(node, axis, output);
    if (typeof size === "string") return exactQuotient(size, count) ?? freshDim(node, axis, output);
    const part = Math.ceil(size / count);
    return output < count - 1 ? part : size - part * (count - 1);
  };
  const elements = known && elementsOf(info);
  let start = 0;
  return node.outputs.map((_, i) => {
    const part = sizes?.[i] ?? even(i);
    const from = start;
    start += typeof part === "number" ? part : 0;
    const content = typeof part === "number" ? elements?.slice(from, from + part) : undefined;
    return withElements(dataType, withDim(shape, axis, part), content);
  });
};

const cut: Evaluate = ({ node, inputs: [x], outputs }) => {
  if (!x) return undefined;
  const axis = wrapped(numberAttribute(node, "axis", 0), x.dims.length);
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

const expand: ShapeRule = (node, inputs) => {
  const x = input(node, inputs, 0);
  const vector = input(node, inputs, 1);
  const target = elementsOf(vector);
  if (!target) {
    const rank = rankFrom(vector);
    if (rank === undefined) return undefined;
    return [{ dataType: x.dataType, shape: freshShape(node, Math.max(rank, x.shape.length)) }];
  }
  const shape = broadcastShapes(node, [x.shape, target]);
  const elements = elementsOf(x);
  const length = shape[0];
  const isFew = typeof length === "number" && length <= 64;
  const repeated =
    elements?.length === 1 && length !== 1 && isFew
      ? Array.from({ length }, () => elements[0])
      : elements?.length === length
        ? elements
        : undefined;
  return [withElements(x.dataType, shape, shape.length === 1 ? repeated : undefined)];
};

const expanded: Evaluate = ({ inputs: [x], dims }) => x && stretched(x, dims);

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

const tile: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const repeats = elementsOf(input(node, inputs, 1));
  return [
    {
      dataType,
      shape: shape.map((dim, i) => (repeats ? product([dim, repeats[i] ?? 1]) : freshDim(node, i))),
    },
  ];
};

const tiled: Evaluate = ({ inputs: [x, repeats], dims }) => {
  if (!x || !repeats) return undefined;
  const maps = x.dims.map((size, axis) => Array.from({ length: dims[axis] ?? 0 }, (_, i) => i % size));
  return picked(x, dims, mapped(x, maps));
};

const pad: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const rank = shape.length;
  const pads = inputs[1] ? numbersIn(inputs[1]) : intsAttribute(node, "pads");
  if (!pads) return [{ dataType, shape: freshShape(node, rank) }];
  const axes = inputs[3] ? numbersIn(inputs[3]) : shape.map((_, i) => i);
  if (!axes) return [{ dataType, shape: freshShape(node, rank) }];
  if (pads.length !== 2 * axes.length) {
    throw contradiction(node, `${pads.length} pads do not fit a shape of ${showShape(shape)}`);
  }
  const out: Dim[] = [...shape];
  for (const [i, given] of axes.entries()) {
    const axis = axisOf(node, given, rank);
    out[axis] = plus(shape[axis] ?? 1, (pads[i] ?? 0) + (pads[i + axes.length] ?? 0));
  }
  return [{ dataType, shape: out }];
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
  for (const [i, axis] of chosen.entries()) before[wrapped(axis, x.dims.length)] = amounts[i] ?? 0;
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

export const parts: Operators = {
  Concat: { shape: concat, evaluate: concatenated },
  Split: { shape: split, evaluate: cut },
  Expand: { shape: expand, evaluate: expanded },
  Tile: { shape: tile, evaluate: tiled },
  Pad: { shape: pad, evaluate: padded },
};
