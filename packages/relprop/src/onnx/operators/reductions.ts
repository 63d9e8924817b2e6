/** Operators that fold, search or sort along axes: Reduce*, ArgMax, ArgMin, TopK, CumSum. */

import { wrapped } from "../axis.ts";
import { type Dim, type Node, type Shape, intsAttribute, numberAttribute } from "../graph.ts";
import { isFloat, sizeOf } from "../tensor.ts";
import { computed, exactNumbers, integersIn, isBig, picked } from "./evaluating.ts";
import { axisOf, constantInfo, elementsOf, freshDim, input, like, numbersIn, withDim } from "./inferring.ts";
import { type Fold, alongAxis, folding, largest, logSumExp, runs, sum, sumOfSquares } from "./lines.ts";
import type { Evaluate, Inputs, Operator, Operators, ShapeRule } from "./operator.ts";

/** Axes from the second input (opset 13 or 18) or the attribute; all of them if there are none. */
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

const reduceShape: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const axes = reducedAxes(node, inputs, shape.length);
  const keep = numberAttribute(node, "keepdims", 1) === 1;
  if (axes !== "unknown") return [{ dataType, shape: reduced(shape, axes, keep) }];
  return keep ? [{ dataType, shape: shape.map((_, i) => freshDim(node, i)) }] : undefined;
};

/** Integers are reduced as numbers, and left to the runtime where these are not exact. */
const reduce =
  (fold: Fold): Evaluate =>
  ({ node, inputs: [x, axes], dims, dataType }) => {
    const numbers = x && exactNumbers(x);
    if (!x || !numbers) return undefined;
    const along = reducedAxes(node, [undefined, axes && constantInfo(axes)], x.dims.length);
    if (along === "unknown") return undefined;
    const { starts, offsets } = runs(x.dims, along);
    const line = new Float64Array(offsets.length);
    const out = starts.map((start) => {
      for (let i = 0; i < line.length; i++) line[i] = numbers[start + (offsets[i] ?? 0)] ?? 0;
      return fold(line);
    });
    return computed(dataType, isFloat(dataType) ? out : out.map(Math.trunc), dims);
  };

const argExtreme: ShapeRule = (node, inputs) => {
  const { shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", 0), shape.length);
  return [{ dataType: "int64", shape: reduced(shape, [axis], numberAttribute(node, "keepdims", 1) === 1) }];
};

/** The index of the first (or last) extreme element. `better` says whether a later element replaces an earlier one. */
const extremeIndex =
  (better: (later: number, earlier: number) => boolean): Evaluate =>
  ({ node, inputs: [x], dims }) => {
    const numbers = x && exactNumbers(x);
    if (!x || !numbers) return undefined;
    const last = numberAttribute(node, "select_last_index", 0) === 1;
    const axis = wrapped(numberAttribute(node, "axis", 0), x.dims.length);
    const { starts, offsets } = runs(x.dims, [axis]);
    const out = Array.from(starts, (start) => {
      let best = 0;
      for (let i = 1; i < offsets.length; i++) {
        const [later, earlier] = [i, best].map((at) => numbers[start + (offsets[at] ?? 0)] ?? 0) as [
          number,
          number,
        ];
        if (better(later, earlier) || (last && later === earlier)) best = i;
      }
      return best;
    });
    return computed("int64", out, dims);
  };

function running(line: Float64Array, node: Node): Float64Array {
  const reverse = numberAttribute(node, "reverse", 0) === 1;
  const exclusive = numberAttribute(node, "exclusive", 0) === 1;
  let total = 0;
  const sums = (reverse ? line.toReversed() : line).map((value) => {
    const before = total;
    total += value;
    return exclusive ? before : total;
  });
  return reverse ? sums.toReversed() : sums;
}

const cumulativeSum: Evaluate = (call) => {
  const axis = integersIn(call.inputs[1])?.[0];
  return axis === undefined ? undefined : alongAxis(call, axis, running);
};

const topKShape: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", -1), shape.length);
  const count = elementsOf(input(node, inputs, 1))?.[0] ?? freshDim(node, axis);
  const out = withDim(shape, axis, count);
  return [
    { dataType, shape: out },
    { dataType: "int64", shape: out },
  ];
};

/** The k largest (smallest) elements along an axis, in order; of equal ones the first comes first. */
const topK: Evaluate = ({ node, inputs: [x, count], dims }) => {
  const numbers = x && exactNumbers(x);
  const k = integersIn(count)?.[0];
  if (!x || !numbers || k === undefined || isBig(x.dataType)) return undefined;
  const sign = numberAttribute(node, "largest", 1) === 1 ? -1 : 1;
  const axis = wrapped(numberAttribute(node, "axis", -1), x.dims.length);
  const { starts, offsets } = runs(x.dims, [axis]);
  const places = runs(dims, [axis]);
  const sources = new Float64Array(sizeOf(dims));
  const indices = new Float64Array(sizeOf(dims));
  for (const [line, start] of starts.entries()) {
    const at = (i: number): number => start + (offsets[i] ?? 0);
    const order = Array.from(offsets, (_, i) => i).toSorted(
      (a, b) => sign * ((numbers[at(a)] ?? 0) - (numbers[at(b)] ?? 0)) || a - b,
    );
    for (const [rank, i] of order.slice(0, k).entries()) {
      const place = (places.starts[line] ?? 0) + (places.offsets[rank] ?? 0);
      sources[place] = at(i);
      indices[place] = i;
    }
  }
  const found = computed("int64", indices, dims);
  return found && [picked(x, dims, sources), found];
};

const reducing = (fold: Fold): Operator => ({ shape: reduceShape, evaluate: reduce(fold) });

export const reductions: Operators = {
  ReduceSum: reducing(sum),
  ReduceMean: reducing((values) => sum(values) / values.length),
  ReduceMax: reducing(largest),
  ReduceMin: reducing(folding(Infinity, Math.min)),
  ReduceProd: reducing(folding(1, (product, value) => product * value)),
  ReduceL1: reducing(folding(0, (total, value) => total + Math.abs(value))),
  ReduceL2: reducing((values) => Math.sqrt(sumOfSquares(values))),
  ReduceLogSum: reducing((values) => Math.log(sum(values))),
  ReduceLogSumExp: reducing(logSumExp),
  ReduceSumSquare: reducing(sumOfSquares),
  ArgMax: { shape: argExtreme, evaluate: extremeIndex((later, earlier) => later > earlier) },
  ArgMin: { shape: argExtreme, evaluate: extremeIndex((later, earlier) => later < earlier) },
  TopK: { shape: topKShape, evaluate: topK },
  CumSum: { shape: like, evaluate: cumulativeSum },
};
