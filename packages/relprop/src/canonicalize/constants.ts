/** Reads the numbers of constants. */

import { fixedDims, type Graph, type Tensor, type Value } from "../onnx/graph.ts";
import { float32Data, numbersOf, roundingOf, sizeOf } from "../onnx/tensor.ts";

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

/** The sizes of a value, if its shape has no symbols. */
export const fixedShape = (value: Value | undefined): readonly number[] | undefined =>
  value && fixedDims(value.shape);

/** Whether two values provably have one shape: the same numbers and the same symbols. */
export const sameShape = (a: Value | undefined, b: Value | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.shape.length === b.shape.length &&
  a.shape.every((dim, i) => dim === b.shape[i]);
