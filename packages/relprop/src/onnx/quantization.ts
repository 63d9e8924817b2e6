/**
 * QuantizeLinear and DequantizeLinear of constants: q = saturate(round(x / scale) + zero), x = (q − zero) · scale, with
 * one scale, one for each index of an axis, or one for each block of an axis.
 *
 * Source: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
 */

import { wrapped } from "./axis.ts";
import { type DataType, type Node, type Tensor, numberAttribute } from "./graph.ts";
import { floatTensor, isFloat, numbersOf, roundHalfEven, sizeOf, smallIntegers } from "./tensor.ts";

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
function scaleIndex(node: Node, dims: readonly number[], scale: Tensor): ((i: number) => number) | undefined {
  const count = sizeOf(scale.dims);
  const block = numberAttribute(node, "block_size", 0);
  if (count === 1 && block === 0) return () => 0;
  const given = numberAttribute(node, "axis", 1);
  const axis = wrapped(given, dims.length);
  const size = dims[axis];
  if (size === undefined) return undefined;
  const inner = sizeOf(dims.slice(axis + 1));
  if (block === 0) return count === size ? (i) => Math.floor(i / inner) % size : undefined;
  const blocks = Math.ceil(size / block);
  if (count !== sizeOf(dims.with(axis, blocks))) return undefined;
  return (i) => {
    const along = Math.floor(i / inner) % size;
    const outer = Math.floor(i / (inner * size));
    return (outer * blocks + Math.floor(along / block)) * inner + (i % inner);
  };
}

/** The tensor that DequantizeLinear gives, of its scale's type; undefined if types or sizes are not as they should be. */
export function dequantized(
  node: Node,
  q: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
): Tensor | undefined {
  const indexOf = scaleIndex(node, q.dims, scale);
  if (!indexOf || !isFloat(scale.dataType) || !q.dataType.includes("int")) return undefined;
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
  const indexOf = scaleIndex(node, x.dims, scale);
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
