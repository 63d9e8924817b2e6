/** Operators that work along axes: sums, means, extremes, sorting, softmax. */

import { type Node, type Tensor, intsAttribute, numberAttribute } from "../../onnx/graph.ts";
import { numbersOf, sizeOf } from "../../onnx/tensor.ts";
import {
  type Call,
  type Evaluate,
  type Evaluators,
  axisIn,
  computed,
  exactNumbers,
  integersIn,
  isBig,
  isFloating,
  picked,
  sourceIndices,
  stridesOf,
} from "./evaluator.ts";

/** Axes from the second input or the attribute; all of them if there are none. */
function reducedAxes(node: Node, given: Tensor | undefined, rank: number): number[] {
  const axes = (given ? integersIn(given) : intsAttribute(node, "axes")) ?? [];
  if (axes.length > 0) return axes.map((axis) => axisIn(axis, rank));
  return numberAttribute(node, "noop_with_empty_axes", 0) ? [] : Array.from({ length: rank }, (_, i) => i);
}

/** For each element of the result, the flat indices of what is reduced to it: start of each run, and offsets within. */
function runs(
  dims: readonly number[],
  axes: readonly number[],
): { starts: Float64Array; offsets: Float64Array } {
  const strides = stridesOf(dims);
  const part = (keep: (axis: number) => boolean): Float64Array => {
    const chosen = dims.map((_, axis) => axis).filter(keep);
    return sourceIndices(
      chosen.map((axis) => dims[axis] ?? 1),
      chosen.map((axis) => strides[axis] ?? 0),
    );
  };
  return { starts: part((axis) => !axes.includes(axis)), offsets: part((axis) => axes.includes(axis)) };
}

type Fold = (values: Float64Array) => number;

/** A fold that takes the values one by one. */
const folding =
  (start: number, take: (before: number, value: number) => number): Fold =>
  (values) => {
    let result = start;
    for (const value of values) result = take(result, value);
    return result;
  };

const sum = folding(0, (total, value) => total + value);
const sumOfSquares = folding(0, (total, value) => total + value * value);
const largest = folding(-Infinity, Math.max);

function logSumExp(values: Float64Array): number {
  const most = largest(values);
  const shift = Number.isFinite(most) ? most : 0;
  return shift + Math.log(sum(values.map((value) => Math.exp(value - shift))));
}

/** Integers are reduced as numbers, and left to the runtime where these are not exact. */
const reduce =
  (fold: Fold): Evaluate =>
  ({ node, inputs: [x, axes], dims, dataType }) => {
    const numbers = x && exactNumbers(x);
    if (!x || !numbers) return undefined;
    const { starts, offsets } = runs(x.dims, reducedAxes(node, axes, x.dims.length));
    const line = new Float64Array(offsets.length);
    const out = starts.map((start) => {
      for (let i = 0; i < line.length; i++) line[i] = numbers[start + (offsets[i] ?? 0)] ?? 0;
      return fold(line);
    });
    return computed(dataType, isFloating(dataType) ? out : out.map(Math.trunc), dims);
  };

/** The index of the first (or last) extreme element. `better` says whether a later element replaces an earlier one. */
const extremeIndex =
  (better: (later: number, earlier: number) => boolean): Evaluate =>
  ({ node, inputs: [x], dims }) => {
    const numbers = x && exactNumbers(x);
    if (!x || !numbers) return undefined;
    const last = numberAttribute(node, "select_last_index", 0) === 1;
    const axis = axisIn(numberAttribute(node, "axis", 0), x.dims.length);
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

/** Applies a function to every line of elements along an axis. */
function alongAxis(
  { node, inputs: [x], dims, dataType }: Call,
  axis: number,
  apply: (line: Float64Array, node: Node) => Float64Array,
): Tensor | undefined {
  const numbers = x && exactNumbers(x);
  if (!x || !numbers) return undefined;
  const { starts, offsets } = runs(x.dims, [axisIn(axis, x.dims.length)]);
  const out = new Float64Array(numbers.length);
  for (const start of starts) {
    const line = apply(
      offsets.map((offset) => numbers[start + offset] ?? 0),
      node,
    );
    for (const [i, value] of line.entries()) out[start + (offsets[i] ?? 0)] = value;
  }
  return computed(dataType, out, dims);
}

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

const softmax =
  (last: (value: number) => number): Evaluate =>
  (call) =>
    alongAxis(call, numberAttribute(call.node, "axis", -1), (line) => {
      const total = logSumExp(line);
      return line.map((value) => last(value - total));
    });

/** The k largest (smallest) elements along an axis, in order; of equal ones the first comes first. */
const topK: Evaluate = ({ node, inputs: [x, count], dims }) => {
  const numbers = x && exactNumbers(x);
  const k = integersIn(count)?.[0];
  if (!x || !numbers || k === undefined || isBig(x.dataType)) return undefined;
  const sign = numberAttribute(node, "largest", 1) === 1 ? -1 : 1;
  const axis = axisIn(numberAttribute(node, "axis", -1), x.dims.length);
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

/** (x − mean) / √(variance + ε) over the values of a line. */
function standardized(line: Float64Array, epsilon: number): Float64Array {
  const mean = sum(line) / line.length;
  const centred = line.map((value) => value - mean);
  const deviation = Math.sqrt(sumOfSquares(centred) / line.length + epsilon);
  return centred.map((value) => value / deviation);
}

/** Standardised over the axes from `axis` on, · scale + bias; the statistics are not given. */
const layerNorm: Evaluate = ({ node, inputs: [x, scale, bias], dims, dataType, outputs }) => {
  if (!x || !scale || outputs.length > 1) return undefined;
  const from = axisIn(numberAttribute(node, "axis", -1), x.dims.length);
  const epsilon = numberAttribute(node, "epsilon", 1e-5);
  const length = sizeOf(x.dims.slice(from));
  const [factors, shifts] = [numbersOf(scale), bias && numbersOf(bias)];
  if (factors.length !== length || (shifts && shifts.length !== length)) return undefined;
  const out = Float64Array.from(numbersOf(x));
  for (let start = 0; start < out.length; start += length) {
    const line = standardized(out.subarray(start, start + length), epsilon);
    for (const [i, value] of line.entries()) out[start + i] = value * (factors[i] ?? 1) + (shifts?.[i] ?? 0);
  }
  return computed(dataType, out, dims);
};

/**
 * (x − mean) / √(variance + ε) · scale + bias, channel by channel. In training mode the statistics are those of x: so
 * exporters write a weight that is standardised (Qiao et al. 2019). Running statistics are not given.
 */
const batchNorm: Evaluate = ({ node, inputs, dims, dataType }) => {
  const [x, ...parameters] = inputs;
  const numbers = parameters.map((parameter) => parameter && numbersOf(parameter));
  if (!x || x.dims.length < 2) return undefined;
  const isTraining = numberAttribute(node, "training_mode", 0) === 1;
  const epsilon = numberAttribute(node, "epsilon", 1e-5);
  const given = numbersOf(x);
  const out = new Float64Array(given.length);
  const { starts: channels, offsets } = runs(
    x.dims,
    x.dims.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );
  for (const [channel, start] of channels.entries()) {
    const [scale = 1, bias = 0, mean = 0, variance = 1] = numbers.map((list) => list?.[channel]);
    const line = offsets.map((offset) => given[start + offset] ?? 0);
    const deviation = Math.sqrt(variance + epsilon);
    const normal = isTraining ? standardized(line, epsilon) : line.map((value) => (value - mean) / deviation);
    for (const [i, value] of normal.entries()) out[start + (offsets[i] ?? 0)] = value * scale + bias;
  }
  return computed(dataType, out, dims);
};

/** opType -> evaluator. */
export const reductions: Evaluators = {
  ReduceSum: reduce(sum),
  ReduceMean: reduce((values) => sum(values) / values.length),
  ReduceMax: reduce(largest),
  ReduceMin: reduce(folding(Infinity, Math.min)),
  ReduceProd: reduce(folding(1, (product, value) => product * value)),
  ReduceL1: reduce(folding(0, (total, value) => total + Math.abs(value))),
  ReduceL2: reduce((values) => Math.sqrt(sumOfSquares(values))),
  ReduceLogSum: reduce((values) => Math.log(sum(values))),
  ReduceLogSumExp: reduce(logSumExp),
  ReduceSumSquare: reduce(sumOfSquares),
  ArgMax: extremeIndex((later, earlier) => later > earlier),
  ArgMin: extremeIndex((later, earlier) => later < earlier),
  CumSum: cumulativeSum,
  Softmax: softmax(Math.exp),
  LogSoftmax: softmax((value) => value),
  TopK: topK,
  LayerNormalization: layerNorm,
  BatchNormalization: batchNorm,
};
