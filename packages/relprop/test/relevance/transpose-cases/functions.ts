/** Functions of single elements, maxima of tensors, sums and norms over axes. */

import { float, int, ints, string, type Value } from "../../../src/onnx/index.ts";
import { moved, other, unary, weights, type Case } from "./case.ts";

/** The operator on a·x + c. */
const at = (op: Case["op"], a: number, c: number): Case => ({
  op,
  make: (b, x) => b.like({ opType: op, attributes: {} }, [moved(b, x, a, c)]),
});

export const functionCases: readonly Case[] = [
  unary("Celu", { alpha: float(0.6) }),
  unary("ThresholdedRelu", { alpha: float(0.2) }),
  unary("Shrink", { lambd: float(0.3), bias: float(0.1) }),
  unary("Softsign"),
  unary("Abs"),
  unary("Neg"),
  unary("Exp"),
  at("Log", 1, 1.5),
  at("Sqrt", 1, 1.5),
  at("Reciprocal", 1, -1.5),
  unary("Erf"),
  unary("Sin"),
  unary("Cos"),
  unary("Tan"),
  at("Asin", 0.9, 0),
  at("Acos", 0.9, 0),
  unary("Atan"),
  unary("Sinh"),
  unary("Cosh"),
  unary("Asinh"),
  at("Acosh", 1, 2.5),
  at("Atanh", 0.9, 0),
  ...[2, 3, 1, -2, 4].map((exponent): Case => ({
    op: "Pow",
    title: `to the power of ${exponent}`,
    make: (b, x) => b.op("Pow", [exponent < 0 ? moved(b, x, 1, 1.5) : x, b.scalar(exponent)]),
  })),
  {
    op: "Pow",
    title: "whole exponents, one a channel",
    make: (b, x) => b.op("Pow", [x, b.op("Reshape", [b.integers([3, 2, 1]), b.integers([3, 1, 1])])]),
  },
  {
    op: "Pow",
    title: "fractions, one a channel",
    make: (b, x) => b.op("Pow", [moved(b, x, 1, 1.5), weights(b, [3, 1, 1])]),
  },
  {
    op: "Pow",
    title: "computed base and exponent",
    make: (b, x) => b.op("Pow", [moved(b, x, 1, 1.5), b.op("GlobalAveragePool", [x])]),
  },
  { op: "Pow", title: "of a number", make: (b, x) => b.op("Pow", [b.scalar(1.7), x]) },
  {
    op: "Mod",
    make: (b, x) => {
      const divisor = b.op("Add", [b.op("Abs", [other(b, x)]), b.scalar(0.31)]);
      return b.op("Mod", [moved(b, x, 3, 0), divisor], { fmod: int(1) });
    },
  },
  {
    op: "PRelu",
    title: "computed slope",
    make: (b, x) => b.op("PRelu", [x, b.op("GlobalAveragePool", [x])]),
  },
  {
    op: "Clip",
    title: "computed bounds",
    make: (b, x) => {
      const mean = b.op("ReduceMean", [x], { keepdims: int(0) });
      return b.op("Clip", [x, b.op("Sub", [mean, b.scalar(0.4)]), b.op("Add", [mean, b.scalar(0.3)])]);
    },
  },
  {
    op: "Max",
    make: (b, x) => b.op("Max", [b.op("GlobalAveragePool", [x]), x, b.op("Neg", [x]), b.scalar(0.4)]),
  },
  { op: "Min", make: (b, x) => b.op("Min", [x, other(b, b.op("Neg", [x])), weights(b, [3, 1, 1])]) },
  {
    op: "Mean",
    make: (b, x) => b.op("Mean", [x, b.op("GlobalAveragePool", [x]), weights(b, [5])]),
  },
];

/** The ways in which a constant can stand beside a computed tensor that no layer with weights takes it from. */
export const constantCases: readonly Case[] = [
  {
    op: "Mul",
    title: "by a constant that stretches it",
    make: (b, x) => b.op("Mul", [weights(b, [3, 4, 2]), b.op("GlobalAveragePool", [x])]),
  },
  {
    op: "Div",
    title: "by a constant that stretches it",
    make: (b, x) => b.op("Div", [b.op("GlobalMaxPool", [x]), moved(b, weights(b, [3, 4, 2]), 1, 1.5)]),
  },
  { op: "Div", title: "a number by it", make: (b, x) => b.op("Div", [b.scalar(2), moved(b, x, 1, 1.5)]) },
  { op: "Affine", title: "divided", make: (b, x) => b.op("Div", [b.op("Abs", [x]), b.scalar(3)]) },
  {
    op: "Sub",
    title: "from a constant",
    make: (b, x) => b.op("Sub", [weights(b, [3, 1, 1]), b.op("Abs", [x])]),
  },
  {
    op: "Add",
    title: "of a constant that stretches it",
    make: (b, x) => b.op("Add", [b.op("GlobalMaxPool", [x]), weights(b, [3, 4, 2])]),
  },
  {
    op: "Linear",
    title: "with a scale of its outputs behind it",
    shape: [2, 5, 7],
    make: (b, x) => b.op("Mul", [weights(b, [4], 6), b.op("MatMul", [x, weights(b, [7, 4])])]),
  },
  {
    op: "Conv",
    title: "with weights brought to a standard scale in the graph",
    make(b, x) {
      const W = weights(b, [4, 3, 3, 3]);
      const mean = (v: Value): Value => b.op("ReduceMean", [v], { axes: ints([1, 2, 3]) });
      const d = b.op("Sub", [W, mean(W)]);
      const root = b.op("Sqrt", [b.op("Add", [mean(b.op("Mul", [d, d])), b.scalar(1e-5)])]);
      return b.op("Conv", [x, b.op("Mul", [b.op("Div", [d, root]), weights(b, [4, 1, 1, 1], 6)])]);
    },
  },
];

const overAxes = { axes: ints([1, -1]), keepdims: int(0) };

/** A reduction over some axes, without them and with them, and over all. */
const reduction = (op: Case["op"], a: number, c: number): Case[] =>
  [
    { title: "axes 1 and 3 gone", attributes: overAxes },
    { title: "image kept", attributes: { axes: ints([2, 3]) } },
    { title: "all", attributes: {} },
  ].map(({ title, attributes }) => ({
    op,
    title,
    make: (b, x) => b.like({ opType: op, attributes }, [moved(b, x, a, c)]),
  }));

const window = { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 1, 1]) };

export const reductionCases: readonly Case[] = [
  ...reduction("ReduceMax", 1, 0),
  ...reduction("ReduceMin", 1, 0),
  ...reduction("ReduceL1", 1, 0),
  ...reduction("ReduceL2", 1, 0),
  ...reduction("ReduceSumSquare", 1, 0),
  ...reduction("ReduceProd", 0.3, 1),
  ...reduction("ReduceLogSum", 1, 1.5),
  ...reduction("ReduceLogSumExp", 3, 0),
  {
    op: "CumSum",
    make: (b, x) => b.op("CumSum", [x, b.integer(-1)]),
  },
  {
    op: "CumSum",
    title: "exclusive, backwards",
    make: (b, x) => b.op("CumSum", [x, b.integer(1)], { exclusive: int(1), reverse: int(1) }),
  },
  unary("LpPool", window),
  unary("LpPool", { ...window, p: int(1) }, "p = 1"),
  unary("LpPool", { ...window, p: int(3) }, "p = 3"),
  unary(
    "LpPool",
    { kernel_shape: ints([3, 3]), strides: ints([2, 2]), auto_pad: string("SAME_UPPER") },
    "SAME_UPPER",
  ),
  unary("GlobalLpPool"),
  { op: "MeanVarianceNormalization", make: (b, x) => b.op("MeanVarianceNormalization", [x]) },
  unary("MeanVarianceNormalization", { axes: ints([1, -1]) }, "axes 1 and 3"),
  unary("LpNormalization", { axis: int(1) }),
  unary("LpNormalization", { p: int(1) }, "p = 1"),
  unary("LRN", { size: int(5), alpha: float(2), bias: float(0.7) }, "more than there are channels"),
  unary("LRN", { size: int(3), alpha: float(2), beta: float(0.5) }, "a part of the channels"),
  unary("GlobalLpPool", { p: int(3) }, "p = 3"),
];
