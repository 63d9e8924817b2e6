/** Numbers of constants for the rewrites. */

import { fixedDims, type Graph, type Tensor, type Value } from "../onnx/graph.ts";
import { float32Data, numbersOf, roundingOf, sizeOf } from "../onnx/tensor.ts";

/** A float32 initializer's numbers, not copied where they are aligned; undefined if it is none. */
export function weightsOf(graph: Graph, name: string | undefined): Float32Array | undefined {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor?.dataType === "float32" ? float32Data(tensor) : undefined;
}

const oneElement = (graph: Graph, name: string | undefined): Tensor | undefined => {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor && tensor.dataType !== "string" && sizeOf(tensor.dims) === 1 ? tensor : undefined;
};

/** The integers of an initializer; undefined if it holds none. */
export function integersOf(graph: Graph, name: string | undefined): readonly number[] | undefined {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor?.dataType.startsWith("int") ? Array.from(numbersOf(tensor)) : undefined;
}

/** The number of an initializer of one element. */
export function scalarOf(graph: Graph, name: string | undefined): number | undefined {
  const tensor = oneElement(graph, name);
  return tensor && numbersOf(tensor)[0];
}

/** How far that number may be from the one that was meant, as a share of it. */
export function scalarRounding(graph: Graph, name: string): number {
  const tensor = oneElement(graph, name);
  return tensor ? roundingOf(tensor) : 0;
}

/** Constants in models are often rounded by hand (0.7978845608, 1.4142). */
const byHand = 1e-4;

/** Whether two numbers are the same, as far as the precision tells in which one of them was stored. */
export const near = (x: number, y: number, rounding: number): boolean =>
  Math.abs(x - y) <= (byHand + rounding) * Math.max(Math.abs(x), Math.abs(y));

/** Whether an initializer is this one number, at the precision that it was stored in. */
export function isScalar(graph: Graph, name: string | undefined, number: number): boolean {
  const found = scalarOf(graph, name);
  return found !== undefined && near(found, number, scalarRounding(graph, name ?? ""));
}

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
