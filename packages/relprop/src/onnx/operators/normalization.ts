/** Operators that normalise: over a batch, a layer, channels, or to a distribution. */

import { wrapped } from "../axis.ts";
import { type TensorInfo, numberAttribute } from "../graph.ts";
import { numbersOf, sizeOf } from "../tensor.ts";
import { computed } from "./evaluating.ts";
import { contradiction, input, like, showShape } from "./inferring.ts";
import { alongAxis, logSumExp, runs, sum, sumOfSquares } from "./lines.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";

/** Per-channel parameters of a normalisation must have the input's channel count. */
const channelNorm =
  (parameters: readonly number[]): ShapeRule =>
  (node, inputs) => {
    const x = input(node, inputs, 0);
    const channels = x.shape[1];
    for (const index of parameters) {
      const size = input(node, inputs, index).shape[0];
      if (typeof channels === "number" && typeof size === "number" && size !== channels) {
        const found = showShape(input(node, inputs, index).shape);
        throw contradiction(
          node,
          `input ${index} has shape ${found}, but x of ${showShape(x.shape)} has ${channels} channels`,
        );
      }
    }
    return [{ dataType: x.dataType, shape: x.shape }];
  };

/** (x − mean) / √(variance + ε) over the values of a line. */
function standardized(line: Float64Array, epsilon: number): Float64Array {
  const mean = sum(line) / line.length;
  const centred = line.map((value) => value - mean);
  const deviation = Math.sqrt(sumOfSquares(centred) / line.length + epsilon);
  return centred.map((value) => value / deviation);
}

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

/** Further outputs: mean and inverse standard deviation, with the normalised axes of size 1. */
const layerNormShape: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const axis = numberAttribute(node, "axis", -1);
  const from = wrapped(axis, shape.length);
  const statistics: TensorInfo = { dataType: "float32", shape: shape.map((dim, i) => (i < from ? dim : 1)) };
  return [{ dataType, shape }, statistics, statistics].slice(0, Math.max(1, node.outputs.length));
};

/** Standardised over the axes from `axis` on, · scale + bias; the statistics are not given. */
const layerNorm: Evaluate = ({ node, inputs: [x, scale, bias], dims, dataType, outputs }) => {
  if (!x || !scale || outputs.length > 1) return undefined;
  const from = wrapped(numberAttribute(node, "axis", -1), x.dims.length);
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

const softmax =
  (last: (value: number) => number): Evaluate =>
  (call) =>
    alongAxis(call, numberAttribute(call.node, "axis", -1), (line) => {
      const total = logSumExp(line);
      return line.map((value) => last(value - total));
    });

export const normalization: Operators = {
  BatchNormalization: { shape: channelNorm([1, 2, 3, 4]), evaluate: batchNorm },
  InstanceNormalization: { shape: channelNorm([1, 2]) },
  LayerNormalization: { shape: layerNormShape, evaluate: layerNorm },
  GroupNormalization: { shape: like },
  RMSNormalization: { shape: like },
  MeanVarianceNormalization: { shape: like },
  LpNormalization: { shape: like },
  LRN: { shape: like },
  Affine: { shape: like },
  Softmax: { shape: like, evaluate: softmax(Math.exp) },
  LogSoftmax: { shape: like, evaluate: softmax((value) => value) },
  Hardmax: { shape: like },
};
