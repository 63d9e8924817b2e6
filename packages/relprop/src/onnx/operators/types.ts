/** Operators between element types: Cast, QuantizeLinear … */

import { type DataType, type Tensor, numberAttribute } from "../graph.ts";
import { dequantized, quantized } from "../quantization.ts";
import { bigIntegersOf, isFloat, numbersOf } from "../tensor.ts";
import { rounded } from "./elementwise.ts";
import { bigTensor, computed, isBig } from "./evaluating.ts";
import { dataTypeOfCode, elementsOf, input, like, withElements } from "./inferring.ts";
import type { Call, Evaluate, Operators, ShapeRule } from "./operator.ts";

/** To the type that the attribute `to` says, or that another tensor has (CastLike). */
const castShape: ShapeRule = (node, inputs) => {
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

/** The largest and smallest number of the integer types. */
const limits: Partial<Record<DataType, readonly [number, number]>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 2 ** 10],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
};

/**
 * Floats without their fraction. C leaves open what a float becomes that the type cannot hold (the logarithm of zero,
 * which a Where discards later): int32 and int64 get their smallest number, as x86 does; else undefined.
 */
function truncated(numbers: ArrayLike<number>, dataType: DataType): number[] | undefined {
  const [low, high] = limits[dataType] ?? [0, 2 ** 64 - 2 ** 11];
  const asOnX86 = dataType === "int32" || dataType === "int64";
  const whole = Array.from(numbers, (value) => {
    const cut = Math.trunc(value);
    return cut >= low && cut <= high ? cut : asOnX86 ? low : Number.NaN;
  });
  return whole.some(Number.isNaN) ? undefined : whole;
}

/** Integers wrap around, floats are cut off. */
function cast(x: Tensor, { dims, dataType }: Call): Tensor | undefined {
  if (x.dataType === dataType) return { ...x, dims };
  const toNumbers = isFloat(dataType) || dataType === "bool";
  if (isBig(x.dataType)) {
    if (isBig(dataType)) return { ...x, dims, dataType };
    const toNumber = (value: bigint): number => Number(toNumbers ? value : BigInt.asIntN(32, value));
    return computed(dataType, Array.from(bigIntegersOf(x), toNumber), dims);
  }
  const numbers = numbersOf(x);
  if (toNumbers) return computed(dataType, numbers, dims);
  const whole = isFloat(x.dataType) ? truncated(numbers, dataType) : Array.from(numbers);
  if (!whole) return undefined;
  return isBig(dataType) ? bigTensor(dataType, whole.map(BigInt), dims) : computed(dataType, whole, dims);
}

const casts: Evaluate = (call) => {
  const [x] = call.inputs;
  return x && cast(x, call);
};

const quantize: ShapeRule = (node, inputs) => [
  { dataType: inputs[2]?.dataType ?? "uint8", shape: input(node, inputs, 0).shape },
];

const dequantize: ShapeRule = (node, inputs) => [
  { dataType: input(node, inputs, 1).dataType, shape: input(node, inputs, 0).shape },
];

const withScale =
  (compute: typeof quantized): Evaluate =>
  ({ node, inputs: [x, scale, zero] }) =>
    x && scale && compute(node, x, scale, zero);

export const types: Operators = {
  Cast: { shape: castShape, evaluate: casts },
  CastLike: { shape: castShape, evaluate: casts },
  QuantizeLinear: { shape: quantize, evaluate: withScale(quantized) },
  DequantizeLinear: { shape: dequantize, evaluate: withScale(dequantized) },
  FakeQuantize: { shape: like },
  DynamicFakeQuantize: { shape: like },
};
