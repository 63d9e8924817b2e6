/**
 * QuantizeLinear and DequantizeLinear of constants: q = saturate(round(x / scale) + zero), x = (q − zero) · scale, with
 * one scale, one for each index of an axis, or one for each block of an axis.
 *
 * Source: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
 */

import { type DataType, type Node, type Tensor, numberAttribute } from "./graph.ts";
import { scaleIndex, storedWeights } from "./stored-weights.ts";
import { floatTensor, isFloat, numbersOf, roundHalfEven, smallIntegers } from "./tensor.ts";

/** The smallest and largest number of an element type that quantized tensors have; undefined for others. */
export function quantizedRange(dataType: DataType): readonly [low: number, high: number] | undefined {
  return ranges[dataType];
}

const ranges: Readonly<Partial<Record<DataType, readonly [number, number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** For each element of x the index of its scale, or undefined if the scales do not fit x. */
const indexOfScale = (
  node: Node,
  dims: readonly number[],
  scale: Tensor,
): ((i: number) => number) | undefined =>
  scaleIndex(dims, scale.dims, numberAttribute(node, "axis", 1), numberAttribute(node, "block_size", 0));

/** The tensor that DequantizeLinear gives, of its scale's type; undefined if types or sizes are not as they should be. */
export function dequantized(
  node: Node,
  q: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
): Tensor | undefined {
  const indexOf = indexOfScale(node, q.dims, scale);
  if (!indexOf || !isFloat(scale.dataType) || !q.dataType.includes("int")) return undefined;
  if (scale.dataType === "float32") {
    const axis = numberAttribute(node, "axis", 1);
    return storedWeights({ q, scale, zero, axis, block: numberAttribute(node, "block_size", 0) });
  }
  const [numbers, scales, zeros] = [numbersOf(q), numbersOf(scale), zero && numbersOf(zero)];
  const result = new Float64Array(numbers.length);
  for (let i = 0; i < result.length; i++) {
    const at = indexOf(i);
    result[i] = ((numbers[i] ?? 0) - (zeros?.[at] ?? 0)) * (scales[at] ?? 0);
  }
  return floatTensor(scale.dataType, result, q.dims);
}

/** The tensor that QuantizeLinear gives; undefined if types or sizes are not as they should be. */
export function quantized(
  node: Node,
  x: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
): Tensor | undefined {
  const dataType = zero?.dataType ?? "uint8";
  const range = quantizedRange(dataType);
  const indexOf = indexOfScale(node, x.dims, scale);
  if (!indexOf || !range || x.dataType !== "float32" || scale.dataType !== "float32") return undefined;
  const [low, high] = range;
  const [numbers, scales, zeros] = [numbersOf(x), numbersOf(scale), zero && numbersOf(zero)];
  const result = Array.from(numbers, (number, i) => {
    const at = indexOf(i);
    const steps = roundHalfEven(Math.fround(number / (scales[at] ?? 0))) + (zeros?.[at] ?? 0);
    return Math.min(high, Math.max(low, steps));
  });
  return smallIntegers(dataType, result, x.dims);
}
