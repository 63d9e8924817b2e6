/** Operators that keep or broadcast the shape: activations, arithmetic, comparison, normalisation, casts. */

import { type DataType, type Dim, type Node, type TensorInfo, numberAttribute } from "../graph.ts";
import { ModelFileError } from "../../errors.ts";
import {
  type Inputs,
  type ShapeRule,
  broadcastShapes,
  contradiction,
  elementsOf,
  input,
  showShape,
  withElements,
} from "./common.ts";
import { exactQuotient, floorDivide, plus, product } from "./sizes.ts";

/** TensorProto.DataType by number, as Cast's attribute `to` has it. */
const dataTypes: Readonly<Record<number, DataType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

export function dataTypeOfCode(node: Node, code: number): DataType {
  const dataType = dataTypes[code];
  if (dataType) return dataType;
  throw new ModelFileError({
    what: "cannot infer shapes",
    where: `${node.opType} "${node.name}"`,
    why: `element type ${code} is not supported`,
    fix: "convert the model to float32 first",
  });
}

const isFloat = (dataType: DataType): boolean => dataType.includes("float");

/** Same type, same shape as the first input; further inputs do not matter. */
const like: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  return [{ dataType, shape }];
};

/** As {@link like}, and what is known of the content stays known. The input's name, if it has one, must not pass. */
const identity: ShapeRule = (node, inputs) => {
  const { dataType, shape, constant, elements } = input(node, inputs, 0);
  return [{ dataType, shape, ...(constant && { constant }), ...(elements && { elements }) }];
};

const toBool: ShapeRule = (node, inputs) => [{ dataType: "bool", shape: input(node, inputs, 0).shape }];

type Combine = (a: Dim, b: Dim, dataType: DataType) => Dim | undefined;

/** Rounds what arithmetic gives as the element type does. */
const rounded = (value: number, dataType: DataType): number =>
  dataType === "float32" ? Math.fround(value) : isFloat(dataType) ? value : Math.trunc(value);

const onNumbers =
  (combine: (a: number, b: number) => number, orElse: Combine = () => undefined): Combine =>
  (a, b, dataType) =>
    typeof a === "number" && typeof b === "number"
      ? rounded(combine(a, b), dataType)
      : orElse(a, b, dataType);

const whole = (dim: Dim): dim is number => typeof dim === "number" && Number.isInteger(dim);

const arithmetic: Readonly<Record<string, Combine>> = {
  Add: onNumbers(
    (a, b) => a + b,
    (a, b) => (whole(b) ? plus(a, b) : whole(a) ? plus(b, a) : undefined),
  ),
  Sub: onNumbers(
    (a, b) => a - b,
    (a, b) => (a === b ? 0 : whole(b) ? plus(a, -b) : undefined),
  ),
  Mul: onNumbers(
    (a, b) => a * b,
    (a, b) => {
      const factors = [a, b];
      // Names have no sign: a symbol times -1 is not a size.
      return factors.every((f) => typeof f === "string" || (whole(f) && f >= 0))
        ? product(factors)
        : undefined;
    },
  ),
  Div: onNumbers(
    (a, b) => a / b,
    (a, b, dataType) => {
      const exact = exactQuotient(a, b);
      if (exact !== undefined || isFloat(dataType)) return exact;
      return typeof a === "string" && whole(b) && b > 0 ? floorDivide(a, b) : undefined;
    },
  ),
  Mod: onNumbers((a, b) => a - b * Math.floor(a / b)),
  Pow: onNumbers((a, b) => a ** b),
  Min: onNumbers(Math.min, (a, b) => (a === b ? a : undefined)),
  Max: onNumbers(Math.max, (a, b) => (a === b ? a : undefined)),
};

/** A symbol is a size: it never equals a negative number. */
const equal: Combine = (a, b) => {
  if (a === b) return 1;
  const numbers = [a, b].filter((x) => typeof x === "number");
  return numbers.length === 2 || numbers.some((x) => x < 0) ? 0 : undefined;
};

/** Comparisons and logic; truth is 0 or 1. */
const comparisons: Readonly<Record<string, Combine>> = {
  Equal: equal,
  Greater: onNumbers((a, b) => Number(a > b)),
  Less: onNumbers((a, b) => Number(a < b)),
  GreaterOrEqual: onNumbers((a, b) => Number(a >= b)),
  LessOrEqual: onNumbers((a, b) => Number(a <= b)),
  And: onNumbers((a, b) => Number(a !== 0 && b !== 0)),
  Or: onNumbers((a, b) => Number(a !== 0 || b !== 0)),
  Xor: onNumbers((a, b) => Number((a !== 0) !== (b !== 0))),
};

function combineElements(
  inputs: Inputs,
  combine: Combine,
  dataType: DataType,
): (Dim | undefined)[] | undefined {
  const lists = inputs.map(elementsOf);
  const [first, ...rest] = lists;
  if (!first || rest.some((list) => !list)) return undefined;
  let result: (Dim | undefined)[] = [...first];
  for (const list of rest) {
    if (!list) return undefined;
    const length = Math.max(result.length, list.length);
    if (![result, list].every((l) => l.length === length || l.length === 1)) return undefined;
    const left = result;
    result = Array.from({ length }, (_, i) => {
      const a = left[left.length === 1 ? 0 : i];
      const b = list[list.length === 1 ? 0 : i];
      return a === undefined || b === undefined ? undefined : combine(a, b, dataType);
    });
  }
  return result;
}

/** Broadcast of any number of inputs of one type. */
const broadcast =
  (combine?: Combine, result?: DataType): ShapeRule =>
  (node, inputs) => {
    const infos = inputs.map((_, i) => input(node, inputs, i));
    const { dataType } = input(node, inputs, 0);
    const shape = broadcastShapes(
      node,
      infos.map((info) => info.shape),
    );
    // fmod takes the dividend's sign; no shape arithmetic uses it.
    const isOther = numberAttribute(node, "fmod", 0) === 1;
    // Pow's type is its base's, whatever its exponent's type is.
    const elements = combine && !isOther ? combineElements(infos, combine, result ?? dataType) : undefined;
    return [withElements(result ?? dataType, shape, elements)];
  };

const roundings: Readonly<Record<string, (value: number) => number>> = {
  Floor: Math.floor,
  Ceil: Math.ceil,
  Neg: (value) => -value,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Not: (value) => Number(value === 0),
};

/** Unary operators that shape arithmetic passes through: a symbol stays itself where it is a whole number ≥ 0. */
const unaryWithElements: ShapeRule = (node, inputs) => {
  const { dataType, shape, ...info } = input(node, inputs, 0);
  const apply = roundings[node.opType];
  const keepsSizes = node.opType === "Floor" || node.opType === "Ceil" || node.opType === "Abs";
  const elements = elementsOf({ dataType, shape, ...info })?.map((element) =>
    typeof element === "number"
      ? apply && rounded(apply(element), dataType)
      : keepsSizes
        ? element
        : undefined,
  );
  return [withElements(dataType, shape, elements)];
};

/** To the type that the attribute `to` says, or that another tensor has (CastLike). */
const cast: ShapeRule = (node, inputs) => {
  const info = input(node, inputs, 0);
  const isLike = node.opType === "CastLike";
  const dataType = isLike
    ? input(node, inputs, 1).dataType
    : dataTypeOfCode(node, numberAttribute(node, "to", 1));
  const elements = elementsOf(info)?.map((element) =>
    typeof element === "string"
      ? dataType === "bool"
        ? undefined
        : element
      : dataType === "bool"
        ? Number(element !== 0)
        : rounded(element, dataType),
  );
  return [withElements(dataType, info.shape, elements)];
};

/** Element i of a vector that may be one broadcast element. */
const at = (list: readonly Dim[] | undefined, i: number): Dim | undefined =>
  list?.[list.length === 1 ? 0 : i];

const where: ShapeRule = (node, inputs) => {
  const [condition, yes, no] = [0, 1, 2].map((i) => input(node, inputs, i)) as [
    TensorInfo,
    TensorInfo,
    TensorInfo,
  ];
  const shape = broadcastShapes(node, [condition.shape, yes.shape, no.shape]);
  const lists = [condition, yes, no].map(elementsOf);
  const length = Math.max(...lists.map((list) => list?.length ?? 0));
  const elements = lists.every((list) => list)
    ? Array.from({ length }, (_, i) => {
        const chosen = at(lists[0], i);
        return typeof chosen === "number" ? at(lists[chosen ? 1 : 2], i) : undefined;
      })
    : undefined;
  return [withElements(yes.dataType, shape, elements)];
};

/** The slope must broadcast to the input, one way. */
const pRelu: ShapeRule = (node, inputs) => {
  const x = input(node, inputs, 0);
  const slope = input(node, inputs, 1);
  const shape = broadcastShapes(node, [x.shape, slope.shape]);
  if (shape.length !== x.shape.length) {
    throw contradiction(node, `a slope of ${showShape(slope.shape)} does not fit ${showShape(x.shape)}`);
  }
  return [{ dataType: x.dataType, shape: x.shape }];
};

const dropout: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  return [
    { dataType, shape },
    { dataType: "bool", shape },
  ];
};

/** Per-channel parameters of a normalisation must have the input's channel count. */
const channelNorm =
  (parameters: readonly number[]): ShapeRule =>
  (node, inputs) => {
    const x = input(node, inputs, 0);
    const channels = x.shape[1];
    for (const index of parameters) {
      const size = input(node, inputs, index).shape[0];
      if (typeof channels === "number" && typeof size === "number" && size !== channels) {
        const found = showShape(input(node, inputs, index).shape);
        throw contradiction(
          node,
          `input ${index} has shape ${found}, but x of ${showShape(x.shape)} has ${channels} channels`,
        );
      }
    }
    return [{ dataType: x.dataType, shape: x.shape }];
  };

/** Further outputs: mean and inverse standard deviation, with the normalised axes of size 1. */
const layerNorm: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const axis = numberAttribute(node, "axis", -1);
  const from = axis < 0 ? axis + shape.length : axis;
  const statistics: TensorInfo = { dataType: "float32", shape: shape.map((dim, i) => (i < from ? dim : 1)) };
  return [{ dataType, shape }, statistics, statistics].slice(0, Math.max(1, node.outputs.length));
};

const eyeOrLike: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const to = numberAttribute(node, "dtype", 0);
  return [{ dataType: to === 0 ? dataType : dataTypeOfCode(node, to), shape }];
};

const rows = (names: string, rule: ShapeRule): [string, ShapeRule][] =>
  names.split(" ").map((name) => [name, rule]);

/** opType -> rule. */
export const elementwise: Readonly<Record<string, ShapeRule>> = Object.fromEntries([
  ...rows(
    "Acos Acosh Asin Asinh Atan Atanh Celu Clip Cos Cosh Elu Erf Exp Gelu HardSigmoid HardSwish HardTanh LeakyRelu Log " +
      "Mish Reciprocal Relu Round Selu Shrink Sigmoid Sign Silu Sin Sinh Softplus Softsign Tan Tanh ThresholdedRelu " +
      "Softmax LogSoftmax Hardmax LpNormalization MeanVarianceNormalization LRN BitShift CumSum Trilu " +
      "Affine FakeQuantize QuickGelu GroupNormalization RMSNormalization BitwiseNot",
    like,
  ),
  ...rows(Object.keys(roundings).join(" "), unaryWithElements),
  ...rows("Identity", identity),
  ...rows("IsNaN IsInf", toBool),
  ...Object.entries(arithmetic).map(([name, combine]): [string, ShapeRule] => [name, broadcast(combine)]),
  ...Object.entries(comparisons).map(([name, combine]): [string, ShapeRule] => [
    name,
    broadcast(combine, "bool"),
  ]),
  ...rows("Sum Mean BitwiseAnd BitwiseOr BitwiseXor", broadcast()),
  ...rows("Cast CastLike", cast),
  ...rows("Where", where),
  ...rows("PRelu", pRelu),
  ...rows("Dropout", dropout),
  ...rows("BatchNormalization", channelNorm([1, 2, 3, 4])),
  ...rows("InstanceNormalization", channelNorm([1, 2])),
  ...rows("LayerNormalization", layerNorm),
  ...rows("EyeLike RandomNormalLike RandomUniformLike Bernoulli", eyeOrLike),
]);
