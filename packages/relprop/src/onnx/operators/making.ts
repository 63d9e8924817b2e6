/** Operators that make tensors of sizes or of attributes: Constant, Shape, Range, random numbers … */

import { type Attribute, type Tensor, numberAttribute, tensorAttribute } from "../graph.ts";
import { bigIntegersOf, float32Tensor, int64Tensor, numbersOf, sizeOf, tensorFrom } from "../tensor.ts";
import { bigTensor, computed, isBig, picked } from "./evaluating.ts";
import {
  constantInfo,
  dataTypeOfCode,
  elementsOf,
  freshDim,
  freshShape,
  input,
  withElements,
} from "./inferring.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";
import { plus, product } from "./sizes.ts";

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

/** `value`, `value_int`, `value_string` and their kin; what is in a sparse or quantized tensor stays unknown. */
const constant: ShapeRule = (node) => {
  const { value_string: text, value_strings: texts } = node.attributes;
  if (text) return [{ dataType: "string", shape: [] }];
  if (texts?.type === "strings") return [{ dataType: "string", shape: [texts.value.length] }];
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

const filled: Evaluate = ({ node, dims }) => {
  const value = tensorAttribute(node, "value") ?? tensorFrom("float32", [0], [1]);
  return value && picked(value, dims, new Uint8Array(sizeOf(dims)));
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

const likeOfType: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const to = numberAttribute(node, "dtype", 0);
  return [{ dataType: to === 0 ? dataType : dataTypeOfCode(node, to), shape }];
};

const filledLike: Evaluate = ({ node, dims, dataType }) => {
  const [rows = 0, columns = 0] = dims;
  const shift = numberAttribute(node, "k", 0);
  const flat = Array.from({ length: sizeOf(dims) }, (_, i) =>
    Number((i % columns) - Math.floor(i / columns) === shift && rows > 0),
  );
  return computed(dataType, flat, dims);
};

const random: ShapeRule = (node) => {
  const shape = node.attributes["shape"];
  if (shape?.type !== "ints") return undefined;
  return [{ dataType: dataTypeOfCode(node, numberAttribute(node, "dtype", 1)), shape: shape.value }];
};

export const making: Operators = {
  Constant: { shape: constant },
  Shape: { shape: shapeOf, ofSizes: true },
  Size: { shape: size, ofSizes: true },
  ConstantOfShape: { shape: constantOfShape, evaluate: filled },
  Range: { shape: range, evaluate: counted },
  EyeLike: { shape: likeOfType, evaluate: filledLike, ofSizes: true },
  RandomNormal: { shape: random },
  RandomUniform: { shape: random },
  RandomNormalLike: { shape: likeOfType },
  RandomUniformLike: { shape: likeOfType },
  Bernoulli: { shape: likeOfType },
};
