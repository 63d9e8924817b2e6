/** Operators that move, repeat or drop elements: reshape, transpose, slice, pad, concat, resize … */

import {
  type Dim,
  type Node,
  type Shape,
  type TensorInfo,
  intsAttribute,
  numberAttribute,
} from "../graph.ts";
import { numbersOf } from "../tensor.ts";
import {
  type Inputs,
  type ShapeRule,
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
} from "./common.ts";
import { slice } from "./slice.ts";
import { exactQuotient, floorDivide, plus, product } from "./sizes.ts";

const flatten: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const given = numberAttribute(node, "axis", 1);
  const axis = given < 0 ? given + shape.length : given;
  return [{ dataType, shape: [product(shape.slice(0, axis)), product(shape.slice(axis))] }];
};

/** The rank that a shape given as a vector of unknown content has. */
function rankFrom(vector: TensorInfo): number | undefined {
  const length = vector.shape[0];
  return typeof length === "number" ? length : undefined;
}

/** Fresh sizes for a target shape of which only the length is known. */
function unknownShape(node: Node, vector: TensorInfo, info: TensorInfo): TensorInfo[] | undefined {
  const rank = rankFrom(vector);
  return rank === undefined ? undefined : [{ dataType: info.dataType, shape: freshShape(node, rank) }];
}

const reshape: ShapeRule = (node, inputs) => {
  const x = input(node, inputs, 0);
  const vector = input(node, inputs, 1);
  const target = elementsOf(vector);
  if (!target) return unknownShape(node, vector, x);
  const allowZero = numberAttribute(node, "allowzero", 0) === 1;
  const shape = target.map((dim, i) => (dim === 0 && !allowZero ? (x.shape[i] ?? 0) : dim));
  const total = product(x.shape);
  const open = shape.indexOf(-1);
  const given = product(shape.filter((_, i) => i !== open));
  const why = (): string => `${showShape(x.shape)} cannot become ${showShape(target)}`;
  if (open !== -1) {
    const rest = exactQuotient(total, given);
    if (rest === undefined && typeof total === "number" && typeof given === "number")
      throw contradiction(node, why());
    shape[open] = rest ?? freshDim(node, open);
  } else if (typeof total === "number" && typeof given === "number" && total !== given) {
    throw contradiction(node, why());
  }
  return [withElements(x.dataType, shape, elementsOf(x))];
};

const transpose: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const order = intsAttribute(node, "perm") ?? shape.map((_, i) => shape.length - 1 - i);
  if (order.length !== shape.length) {
    throw contradiction(node, `perm ${showShape(order)} does not fit a shape of ${showShape(shape)}`);
  }
  return [{ dataType, shape: order.map((axis) => shape[axis] ?? 1) }];
};

/** Axes as a second input (opset 13) or an attribute; undefined if absent, "unknown" if only the run knows. */
function axesOf(node: Node, inputs: Inputs): readonly number[] | "unknown" | undefined {
  return inputs[1] ? (numbersIn(inputs[1]) ?? "unknown") : intsAttribute(node, "axes");
}

const squeeze: ShapeRule = (node, inputs) => {
  const info = input(node, inputs, 0);
  const { dataType, shape } = info;
  const given = axesOf(node, inputs);
  if (given === "unknown" || (given === undefined && shape.some((dim) => typeof dim === "string")))
    return undefined;
  const axes = given?.map((axis) => axisOf(node, axis, shape.length));
  for (const axis of axes ?? []) {
    sameDim(node, shape[axis] ?? 1, 1, () => `axis ${axis} of ${showShape(shape)} is not of size 1`);
  }
  const kept = shape.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1));
  return [withElements(dataType, kept, elementsOf(info))];
};

const unsqueeze: ShapeRule = (node, inputs) => {
  const info = input(node, inputs, 0);
  const given = axesOf(node, inputs);
  if (given === "unknown" || given === undefined) return undefined;
  const rank = info.shape.length + given.length;
  const axes = new Set(given.map((axis) => axisOf(node, axis, rank)));
  const sizes = info.shape.values();
  const shape = Array.from({ length: rank }, (_, i): Dim => (axes.has(i) ? 1 : (sizes.next().value ?? 1)));
  return [withElements(info.dataType, shape, elementsOf(info))];
};

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

/** floor(size · scale), multiplied in float32; exact for symbols where the scale is whole, or one over a whole number. */
function scaled(node: Node, dim: Dim, scale: number, axis: number): Dim {
  if (typeof dim === "number") return Math.floor(Math.fround(dim * Math.fround(scale)));
  if (Number.isInteger(scale)) return product([dim, scale]);
  return Number.isInteger(1 / scale) ? floorDivide(dim, 1 / scale) : freshDim(node, axis);
}

const resize: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const isUpsample = node.opType === "Upsample";
  const sizes = isUpsample ? undefined : inputs[3];
  if (sizes) {
    const elements: Shape = elementsOf(sizes) ?? [];
    return [{ dataType, shape: shape.map((_, i) => elements[i] ?? freshDim(node, i)) }];
  }
  const scales = inputs[isUpsample ? 1 : 2]?.constant;
  if (!scales) return [{ dataType, shape: freshShape(node, shape.length) }];
  const factors = numbersOf(scales);
  return [{ dataType, shape: shape.map((dim, i) => scaled(node, dim, factors[i] ?? 1, i)) }];
};

const depthToSpace: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const block = numberAttribute(node, "blocksize", 1);
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const depth = exactQuotient(channels, block * block);
  if (depth === undefined && typeof channels === "number") {
    throw contradiction(
      node,
      `${channels} channels of ${showShape(shape)} do not divide by ${block * block}`,
    );
  }
  const out = [batch, depth ?? freshDim(node, 1), product([height, block]), product([width, block])];
  return [{ dataType, shape: out }];
};

const spaceToDepth: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const block = numberAttribute(node, "blocksize", 1);
  const [batch = 1, channels = 1, ...sizes] = shape;
  const out = [batch, product([channels, block * block]), ...sizes.map((size) => floorDivide(size, block))];
  return [{ dataType, shape: out }];
};

/** opType -> rule. */
export const layout: Readonly<Record<string, ShapeRule>> = {
  Flatten: flatten,
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: expand,
  Tile: tile,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
