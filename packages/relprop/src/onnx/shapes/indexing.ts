/** Operators that pick or place by index, and those that make tensors from shapes: Gather, Scatter, Shape, Range … */

import { type Attribute, type Dim, type Tensor, numberAttribute, tensorAttribute } from "../graph.ts";
import { float32Tensor, int64Tensor, numbersOf } from "../tensor.ts";
import {
  type ShapeRule,
  axisOf,
  constantInfo,
  contradiction,
  elementsOf,
  freshDim,
  freshShape,
  input,
  numbersIn,
  sameDim,
  showShape,
  withElements,
} from "./common.ts";
import { dataTypeOfCode } from "./elementwise.ts";
import { plus, product } from "./sizes.ts";

const like: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  return [{ dataType, shape }];
};

function constantOf(attribute: Attribute): Tensor | undefined {
  switch (attribute.type) {
    case "tensor":
      return attribute.value;
    case "int":
      return int64Tensor([attribute.value], []);
    case "ints":
      return int64Tensor(attribute.value);
    case "float":
      return float32Tensor([attribute.value], []);
    case "floats":
      return float32Tensor(attribute.value, [attribute.value.length]);
    default:
      return undefined;
  }
}

/** `value`, `value_int`, `value_ints`, `value_float`, `value_floats`; strings and sparse tensors stay unknown. */
const constant: ShapeRule = (node) => {
  for (const [name, attribute] of Object.entries(node.attributes)) {
    const tensor = name.startsWith("value") ? constantOf(attribute) : undefined;
    if (tensor) return [constantInfo(tensor)];
  }
  return undefined;
};

const shapeOf: ShapeRule = (node, inputs) => {
  const { shape } = input(node, inputs, 0);
  const end = numberAttribute(node, "end", shape.length);
  const part = shape.slice(numberAttribute(node, "start", 0), end);
  return [withElements("int64", [part.length], part)];
};

const size: ShapeRule = (node, inputs) => [
  withElements("int64", [], [product(input(node, inputs, 0).shape)]),
];

const gather: ShapeRule = (node, inputs) => {
  const data = input(node, inputs, 0);
  const indices = input(node, inputs, 1);
  const axis = axisOf(node, numberAttribute(node, "axis", 0), data.shape.length);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const from = data.shape.length === 1 ? elementsOf(data) : undefined;
  const elements = from && numbersIn(indices)?.map((i) => from[i < 0 ? i + from.length : i]);
  return [withElements(data.dataType, shape, elements)];
};

const gatherElements: ShapeRule = (node, inputs) => [
  { dataType: input(node, inputs, 0).dataType, shape: input(node, inputs, 1).shape },
];

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

const constantOfShape: ShapeRule = (node, inputs) => {
  const vector = input(node, inputs, 0);
  const value = tensorAttribute(node, "value");
  const dataType = value?.dataType ?? "float32";
  const shape = elementsOf(vector);
  if (!shape) {
    const rank = vector.shape[0];
    return typeof rank === "number" ? [{ dataType, shape: freshShape(node, rank) }] : undefined;
  }
  const length = shape.length === 0 ? 1 : shape[0];
  const fill = value ? (numbersOf(value)[0] ?? 0) : 0;
  const elements =
    shape.length <= 1 && typeof length === "number" && length <= 64
      ? Array.from({ length }, () => fill)
      : undefined;
  return [withElements(dataType, shape, elements)];
};

const range: ShapeRule = (node, inputs) => {
  const { dataType } = input(node, inputs, 0);
  const [start, limit, delta] = [0, 1, 2].map((i) => elementsOf(input(node, inputs, i))?.[0]);
  if (typeof start === "number" && typeof limit === "number" && typeof delta === "number" && delta !== 0) {
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    const elements = length <= 64 ? Array.from({ length }, (_, i) => start + i * delta) : undefined;
    return [withElements(dataType, [length], elements)];
  }
  if (limit !== undefined && typeof start === "number" && delta === 1) {
    return [{ dataType, shape: [plus(limit, -start)] }];
  }
  return [{ dataType, shape: [freshDim(node, 0)] }];
};

const oneHot: ShapeRule = (node, inputs) => {
  const { shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", -1), shape.length + 1);
  const depth = elementsOf(input(node, inputs, 1))?.[0];
  const out: Dim[] = shape.toSpliced(axis, 0, depth ?? freshDim(node, axis));
  return [{ dataType: input(node, inputs, 2).dataType, shape: out }];
};

/** Indices of what is not zero: as many columns as the run finds. */
const nonZero: ShapeRule = (node, inputs) => [
  { dataType: "int64", shape: [input(node, inputs, 0).shape.length, freshDim(node, 1)] },
];

const quantize: ShapeRule = (node, inputs) => [
  { dataType: inputs[2]?.dataType ?? "uint8", shape: input(node, inputs, 0).shape },
];

const dequantize: ShapeRule = (node, inputs) => [
  { dataType: input(node, inputs, 1).dataType, shape: input(node, inputs, 0).shape },
];

const random: ShapeRule = (node) => {
  const shape = node.attributes["shape"];
  if (shape?.type !== "ints") return undefined;
  return [{ dataType: dataTypeOfCode(node, numberAttribute(node, "dtype", 1)), shape: shape.value }];
};

const gridSample: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const grid = input(node, inputs, 1).shape;
  const batch = sameDim(
    node,
    shape[0] ?? 1,
    grid[0] ?? 1,
    () => `x has shape ${showShape(shape)}, but the grid ${showShape(grid)}`,
  );
  return [{ dataType, shape: [batch, shape[1] ?? 1, ...grid.slice(1, -1)] }];
};

/** opType -> rule. */
export const indexing: Readonly<Record<string, ShapeRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Size: size,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Scatter: like,
  ScatterElements: like,
  ScatterND: like,
  ConstantOfShape: constantOfShape,
  Range: range,
  OneHot: oneHot,
  NonZero: nonZero,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  RandomNormal: random,
  RandomUniform: random,
  GridSample: gridSample,
};
