/** Reads the numbers of constants, and makes tensors of numbers. */

import type { DataType, Graph, Shape, Tensor, Value } from "../onnx/graph.ts";
import { float32Data, float32Tensor, int64Tensor, numbersOf, roundingOf, sizeOf } from "../onnx/tensor.ts";

const views: Partial<Record<DataType, (numbers: ArrayLike<number>) => ArrayBufferView>> = {
  float64: (numbers) => Float64Array.from(numbers),
  int32: (numbers) => Int32Array.from(numbers),
  int16: (numbers) => Int16Array.from(numbers),
  int8: (numbers) => Int8Array.from(numbers),
  uint8: (numbers) => Uint8Array.from(numbers),
  uint16: (numbers) => Uint16Array.from(numbers),
  uint32: (numbers) => Uint32Array.from(numbers),
  bool: (numbers) => Uint8Array.from(numbers, (value) => Number(value !== 0)),
};

/** A tensor of the given type; undefined for types that canonicalization does not compute (float16, strings). */
export function tensorFrom(
  dataType: DataType,
  numbers: ArrayLike<number>,
  dims: readonly number[],
): Tensor | undefined {
  if (dataType === "float32") return float32Tensor(new Float32Array(numbers), dims);
  if (dataType === "int64") return int64Tensor(Array.from(numbers), dims);
  const view = views[dataType]?.(numbers);
  if (!view) return undefined;
  const bytes = new Uint8Array(view.byteLength);
  bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return { dataType, dims, bytes };
}

/** The numbers of a float32 initializer, not copied where they are aligned; undefined if it is not one. */
export function weightsOf(graph: Graph, name: string | undefined): Float32Array | undefined {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor?.dataType === "float32" ? float32Data(tensor) : undefined;
}

const oneElement = (graph: Graph, name: string | undefined): Tensor | undefined => {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor && tensor.dataType !== "string" && sizeOf(tensor.dims) === 1 ? tensor : undefined;
};

/** The integers of an initializer; undefined if it is not one of integers. */
export function integersOf(graph: Graph, name: string | undefined): readonly number[] | undefined {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor?.dataType.startsWith("int") ? Array.from(numbersOf(tensor)) : undefined;
}

/** The number of an initializer that has one element. */
export function scalarOf(graph: Graph, name: string | undefined): number | undefined {
  const tensor = oneElement(graph, name);
  return tensor && numbersOf(tensor)[0];
}

/** The relative rounding error of {@link scalarOf}'s number, from the precision that it was stored in. */
export function scalarRounding(graph: Graph, name: string): number {
  const tensor = oneElement(graph, name);
  return tensor ? roundingOf(tensor) : 0;
}

/** The relative error of constants that people rounded by hand (0.7978845608, 1.4142). */
const handRounding = 1e-4;

/** Whether two numbers are equal up to a relative rounding error and rounding by hand. */
export const near = (x: number, y: number, rounding: number): boolean =>
  Math.abs(x - y) <= (handRounding + rounding) * Math.max(Math.abs(x), Math.abs(y));

/** Whether an initializer has one element, which is this number at the precision that it was stored in. */
export function isScalar(graph: Graph, name: string | undefined, number: number): boolean {
  const found = scalarOf(graph, name);
  return found !== undefined && near(found, number, scalarRounding(graph, name ?? ""));
}

/** Whether a value has a floating-point type. */
export const isFloat = (value: Value | undefined): boolean => value?.dataType.includes("float") ?? false;

/** The sizes of a shape, if it has no symbols. */
export const fixedDims = (shape: Shape): readonly number[] | undefined =>
  shape.every((dim) => typeof dim === "number") ? shape : undefined;

/** The sizes of a value, if its shape has no symbols. */
export const fixedShape = (value: Value | undefined): readonly number[] | undefined =>
  value && fixedDims(value.shape);

/** Whether two values provably have one shape: the same numbers and the same symbols. */
export const sameShape = (a: Value | undefined, b: Value | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.shape.length === b.shape.length &&
  a.shape.every((dim, i) => dim === b.shape[i]);
