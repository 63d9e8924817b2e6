/** Activations: functions of single elements, with or without parameters. */

import { type Node, numberAttribute, stringAttribute } from "../graph.ts";
import { bigIntegersOf, numbersOf } from "../tensor.ts";
import { type OnBig, type OnNumber, binary, unary } from "./elementwise.ts";
import { erf } from "./erf.ts";
import { bigTensor, computed, isBig } from "./evaluating.ts";
import { broadcastShapes, contradiction, input, like, showShape } from "./inferring.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";

/** An activation with parameters. */
const activation =
  (make: (node: Node) => OnNumber): Evaluate =>
  (call) =>
    unary(make(call.node))(call);

const sigmoid: OnNumber = (x) => 1 / (1 + Math.exp(-x));

const number = numberAttribute;

const gelu = (node: Node): OnNumber =>
  stringAttribute(node, "approximate", "none") === "tanh"
    ? (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));

const selu = (node: Node): OnNumber => {
  const alpha = number(node, "alpha", 1.6732632423543772);
  const gamma = number(node, "gamma", 1.0507009873554805);
  return (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x));
};

const shrink = (node: Node): OnNumber => {
  const lambda = number(node, "lambd", 0.5);
  const bias = number(node, "bias", 0);
  return (x) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0);
};

const hardSigmoid =
  (alpha: number, beta: number): OnNumber =>
  (x) =>
    Math.max(0, Math.min(1, alpha * x + beta));

/** Limits are optional scalars of the same type. The upper one wins where they contradict each other. */
const clip: Evaluate = ({ inputs: [x, low, high], dims, dataType }) => {
  if (!x) return undefined;
  if (isBig(dataType)) {
    const min = low && bigIntegersOf(low)[0];
    const max = high && bigIntegersOf(high)[0];
    const limit: OnBig = (value) => {
      const raised = min !== undefined && value < min ? min : value;
      return max !== undefined && raised > max ? max : raised;
    };
    return bigTensor(dataType, Array.from(bigIntegersOf(x), limit), dims);
  }
  const min = low ? numbersOf(low)[0] : undefined;
  const max = high ? numbersOf(high)[0] : undefined;
  const limit: OnNumber = (value) => Math.min(Math.max(value, min ?? -Infinity), max ?? Infinity);
  return computed(dataType, Array.from(numbersOf(x), limit), dims);
};

/** The slope must broadcast to the input, one way. */
const pRelu: ShapeRule = (node, inputs) => {
  const x = input(node, inputs, 0);
  const slope = input(node, inputs, 1);
  const shape = broadcastShapes(node, [x.shape, slope.shape]);
  if (shape.length !== x.shape.length) {
    throw contradiction(node, `a slope of ${showShape(slope.shape)} does not fit ${showShape(x.shape)}`);
  }
  return [{ dataType: x.dataType, shape: x.shape }];
};

const dropout: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  return [
    { dataType, shape },
    { dataType: "bool", shape },
  ];
};

export const activations: Operators = {
  Relu: {
    shape: like,
    evaluate: unary(
      (x) => Math.max(x, 0),
      (x) => (x < 0n ? 0n : x),
    ),
  },
  Sigmoid: { shape: like, evaluate: unary(sigmoid) },
  Softplus: { shape: like, evaluate: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))) },
  Softsign: { shape: like, evaluate: unary((x) => x / (1 + Math.abs(x))) },
  HardSwish: { shape: like, evaluate: unary((x) => x * hardSigmoid(1 / 6, 0.5)(x)) },
  Mish: { shape: like, evaluate: unary((x) => x * Math.tanh(Math.log1p(Math.exp(x)))) },
  Gelu: { shape: like, evaluate: activation(gelu) },
  Selu: { shape: like, evaluate: activation(selu) },
  Shrink: { shape: like, evaluate: activation(shrink) },
  LeakyRelu: {
    shape: like,
    evaluate: activation((node) => {
      const slope = number(node, "alpha", 0.01);
      return (x) => (x < 0 ? slope * x : x);
    }),
  },
  Elu: {
    shape: like,
    evaluate: activation((node) => {
      const alpha = number(node, "alpha", 1);
      return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
    }),
  },
  Celu: {
    shape: like,
    evaluate: activation((node) => {
      const alpha = number(node, "alpha", 1);
      return (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
    }),
  },
  HardSigmoid: {
    shape: like,
    evaluate: activation((node) => hardSigmoid(number(node, "alpha", 0.2), number(node, "beta", 0.5))),
  },
  ThresholdedRelu: {
    shape: like,
    evaluate: activation((node) => {
      const threshold = number(node, "alpha", 1);
      return (x) => (x > threshold ? x : 0);
    }),
  },
  PRelu: { shape: pRelu, evaluate: binary((x, slope) => (x < 0 ? slope * x : x)) },
  Clip: { shape: like, evaluate: clip },
  Dropout: { shape: dropout },
  HardTanh: { shape: like },
  Silu: { shape: like },
  QuickGelu: { shape: like },
};
