/** What the shape rules of all families share: access to inputs, errors, broadcasting, elements. */

import { ModelFileError } from "../../errors.ts";
import { wrapped } from "../axis.ts";
import { dataTypeOf } from "../data-types.ts";
import type { DataType, Dim, Node, Shape, Tensor, TensorInfo } from "../graph.ts";
import { numbersOf, sizeOf } from "../tensor.ts";
import type { Inputs, ShapeRule } from "./operator.ts";

/** Shape arithmetic follows vectors up to this length; longer ones are data. */
const maxElements = 64;

export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The error of a node whose inputs contradict its operator. */
export function contradiction(node: Node, why: string): ModelFileError {
  return new ModelFileError({
    what: "cannot infer shapes",
    where: `${node.opType} "${node.name}"`,
    why,
    fix: "check the model with onnx.checker.check_model(full_check=True), and input sizes that you set yourself",
  });
}

/** A required input. */
export function input(node: Node, inputs: Inputs, index: number): TensorInfo {
  const info = inputs[index];
  if (!info) throw contradiction(node, `input ${index} is missing`);
  return info;
}

/** Deterministic name of a size that only the run knows. */
export function freshDim(node: Node, axis: number, output: number = 0): string {
  const base = node.name || (node.outputs[0] ?? node.opType);
  return output === 0 ? `${base}_dim${axis}` : `${base}_${output}_dim${axis}`;
}

/** A shape of fresh sizes. */
export const freshShape = (node: Node, rank: number, output: number = 0): string[] =>
  Array.from({ length: rank }, (_, axis) => freshDim(node, axis, output));

/** A non-negative axis; negative ones count from the end. */
export function axisOf(node: Node, axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) throw contradiction(node, `axis ${axis} is outside of a rank of ${rank}`);
  return wrapped(axis, rank);
}

/** A copy of the shape with one size replaced. */
export const withDim = (shape: Shape, axis: number, dim: Dim): Dim[] => shape.with(axis, dim);

/** Demands equal sizes where both are known. Gives the known one. */
export function sameDim(node: Node, a: Dim, b: Dim, why: () => string): Dim {
  if (a === b) return a;
  if (typeof a === "number" && typeof b === "number") throw contradiction(node, why());
  return typeof a === "number" ? a : typeof b === "number" ? b : a;
}

/** The shape that numpy broadcasting gives; sizes of 1 stretch, different symbols give a fresh one. */
export function broadcastShapes(node: Node, shapes: readonly Shape[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let result: Dim = 1;
    for (const shape of shapes) {
      const dim = shape[axis - rank + shape.length] ?? 1;
      if (dim === 1 || dim === result) continue;
      if (result === 1) result = dim;
      else if (typeof dim === "number" && typeof result === "number") {
        throw contradiction(node, `shapes ${shapes.map(showShape).join(" and ")} do not broadcast`);
      } else if (typeof dim === "number") result = dim;
      // Two different symbols: equal at run time, or one of them is 1. A number beats both.
      else if (typeof result === "string") result = freshDim(node, axis);
    }
    return result;
  });
}

/** The few elements that shape arithmetic knows: content of small constants, or what was computed from shapes. */
export function elementsOf(info: TensorInfo | undefined): readonly Dim[] | undefined {
  if (!info) return undefined;
  if (info.elements) return info.elements;
  const { constant } = info;
  if (!constant || constant.dims.length > 1 || constant.dataType === "string") return undefined;
  return sizeOf(constant.dims) <= maxElements ? Array.from(numbersOf(constant)) : undefined;
}

/** The elements if all of them are numbers. */
export function numbersIn(info: TensorInfo | undefined): readonly number[] | undefined {
  const elements = elementsOf(info);
  return elements?.every((element) => typeof element === "number") ? elements : undefined;
}

/** A result with its elements, if they are known and few. */
export function withElements(
  dataType: DataType,
  shape: Shape,
  elements: readonly (Dim | undefined)[] | undefined,
): TensorInfo {
  const known = elements?.every((element) => element !== undefined) ? elements : undefined;
  return known && shape.length <= 1 && known.length <= maxElements
    ? { dataType, shape, elements: known }
    : { dataType, shape };
}

export function constantInfo(constant: Tensor): TensorInfo {
  return { dataType: constant.dataType, shape: constant.dims, constant };
}

/** The element type that an attribute's number stands for. */
export function dataTypeOfCode(node: Node, code: number): DataType {
  const dataType = dataTypeOf(code);
  if (dataType) return dataType;
  throw new ModelFileError({
    what: "cannot infer shapes",
    where: `${node.opType} "${node.name}"`,
    why: `element type ${code} is not supported`,
    fix: "convert the model to float32 first",
  });
}

/** Same type, same shape as the first input; further inputs do not matter. */
export const like: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  return [{ dataType, shape }];
};
