/** Operators that give the same elements in another shape or order. They copy bytes, so they hold for all element types. */

import { wrapped } from "../axis.ts";
import {
  type Dim,
  type Node,
  type Tensor,
  type TensorInfo,
  intsAttribute,
  numberAttribute,
  stringAttribute,
} from "../graph.ts";
import { picked, sourceIndices, stridesOf } from "./evaluating.ts";
import {
  axisOf,
  contradiction,
  elementsOf,
  freshDim,
  freshShape,
  input,
  numbersIn,
  sameDim,
  showShape,
  withElements,
} from "./inferring.ts";
import type { Evaluate, Inputs, Operators, ShapeRule } from "./operator.ts";
import { exactQuotient, floorDivide, product } from "./sizes.ts";

/** As {@link like}, and what is known of the content stays known. The input's name, if it has one, must not pass. */
const identity: ShapeRule = (node, inputs) => {
  const { dataType, shape, constant, elements } = input(node, inputs, 0);
  return [{ dataType, shape, ...(constant && { constant }), ...(elements && { elements }) }];
};

const flatten: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const given = numberAttribute(node, "axis", 1);
  const axis = wrapped(given, shape.length);
  return [{ dataType, shape: [product(shape.slice(0, axis)), product(shape.slice(axis))] }];
};

/** The rank that a shape given as a vector of unknown content has. */
export function rankFrom(vector: TensorInfo): number | undefined {
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

const reshaped: Evaluate = ({ inputs: [x], dims }) => x && { ...x, dims };

const transpose: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const order = intsAttribute(node, "perm") ?? shape.map((_, i) => shape.length - 1 - i);
  if (order.length !== shape.length) {
    throw contradiction(node, `perm ${showShape(order)} does not fit a shape of ${showShape(shape)}`);
  }
  return [{ dataType, shape: order.map((axis) => shape[axis] ?? 1) }];
};

/** The elements read in the order of `dims`, axis i of which is axis order[i] of x. */
function reordered(x: Tensor, order: readonly number[]): Tensor {
  const strides = stridesOf(x.dims);
  const dims = order.map((axis) => x.dims[axis] ?? 1);
  const along = order.map((axis) => strides[axis] ?? 0);
  return picked(x, dims, sourceIndices(dims, along));
}

const transposed: Evaluate = ({ node, inputs: [x] }) =>
  x && reordered(x, intsAttribute(node, "perm") ?? x.dims.map((_, i) => x.dims.length - 1 - i));

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

const depthToSpaceShape: ShapeRule = (node, inputs) => {
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

const spaceToDepthShape: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const block = numberAttribute(node, "blocksize", 1);
  const [batch = 1, channels = 1, ...sizes] = shape;
  const out = [batch, product([channels, block * block]), ...sizes.map((size) => floorDivide(size, block))];
  return [{ dataType, shape: out }];
};

const spaceToDepth: Evaluate = ({ node, inputs: [x], dims }) => {
  const block = numberAttribute(node, "blocksize", 1);
  const [batch = 1, channels = 1, height = 1, width = 1] = x?.dims ?? [];
  if (!x) return undefined;
  const split = [batch, channels, height / block, block, width / block, block];
  return { ...reordered({ ...x, dims: split }, [0, 3, 5, 1, 2, 4]), dims };
};

export const layout: Operators = {
  Identity: { shape: identity, evaluate: reshaped },
  Reshape: { shape: reshape, evaluate: reshaped },
  Flatten: { shape: flatten, evaluate: reshaped },
  Squeeze: { shape: squeeze, evaluate: reshaped },
  Unsqueeze: { shape: unsqueeze, evaluate: reshaped },
  Transpose: { shape: transpose, evaluate: transposed },
  DepthToSpace: { shape: depthToSpaceShape, evaluate: depthToSpace },
  SpaceToDepth: { shape: spaceToDepthShape, evaluate: spaceToDepth },
};
