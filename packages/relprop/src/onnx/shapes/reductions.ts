/** Reduce*, ArgMax, ArgMin, TopK. */

import { type Dim, type Node, type Shape, intsAttribute, numberAttribute } from "../graph.ts";
import {
  type Inputs,
  type ShapeRule,
  axisOf,
  elementsOf,
  freshDim,
  input,
  numbersIn,
  withDim,
} from "./common.ts";

/** Axes from the attribute (opset 17) or the second input (ReduceSum; the others since opset 18). */
function reducedAxes(node: Node, inputs: Inputs, rank: number): readonly number[] | "unknown" {
  const given = inputs[1] ? numbersIn(inputs[1]) : (intsAttribute(node, "axes") ?? []);
  if (given === undefined) return "unknown";
  if (given.length > 0) return given.map((axis) => axisOf(node, axis, rank));
  return numberAttribute(node, "noop_with_empty_axes", 0)
    ? []
    : Array.from({ length: rank }, (_, axis) => axis);
}

const reduced = (shape: Shape, axes: readonly number[], keep: boolean): Dim[] =>
  keep ? shape.map((dim, i) => (axes.includes(i) ? 1 : dim)) : shape.filter((_, i) => !axes.includes(i));

const reduce: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const axes = reducedAxes(node, inputs, shape.length);
  const keep = numberAttribute(node, "keepdims", 1) === 1;
  if (axes !== "unknown") return [{ dataType, shape: reduced(shape, axes, keep) }];
  return keep ? [{ dataType, shape: shape.map((_, i) => freshDim(node, i)) }] : undefined;
};

const argExtreme: ShapeRule = (node, inputs) => {
  const { shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", 0), shape.length);
  return [{ dataType: "int64", shape: reduced(shape, [axis], numberAttribute(node, "keepdims", 1) === 1) }];
};

const topK: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", -1), shape.length);
  const count = elementsOf(input(node, inputs, 1))?.[0] ?? freshDim(node, axis);
  const out = withDim(shape, axis, count);
  return [
    { dataType, shape: out },
    { dataType: "int64", shape: out },
  ];
};

/** opType -> rule. */
export const reductions: Readonly<Record<string, ShapeRule>> = {
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ReduceSumSquare: reduce,
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  TopK: topK,
};
