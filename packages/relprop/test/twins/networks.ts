/** Small networks as exporters spell them out, in float32. Their weights have seven bits, so that every file holds the same. */

import {
  type Graph,
  GraphBuilder,
  type Shape,
  type Value,
  float,
  float32Tensor,
  int,
  ints,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers } from "../support/run.ts";

/** Weights with which no sum that z⁺ divides by is nearly 0, so that rounding changes relevance as little as the numbers. */
const firstSeed = 20;
let seed = firstSeed;

/** Numbers k/64 with whole k, exact in float16, in bfloat16 and as int8 with the scale 1/64. */
function weight(b: GraphBuilder, name: string, ...dims: number[]): Value {
  const numbers = randomNumbers(sizeOf(dims), seed++).map((number) => Math.round(number * 48) / 64);
  return b.constant(float32Tensor(numbers, dims), name);
}

type Make = (b: GraphBuilder, x: Value) => Value;

function graphOf(shape: Shape, make: Make): Graph {
  seed = firstSeed;
  const b = new GraphBuilder();
  b.output(make(b, b.input("x", "float32", shape)), "y");
  return b.graph("network");
}

const dense = (b: GraphBuilder, x: Value, name: string, inputs: number, outputs: number): Value =>
  b.op("Add", [
    b.op("MatMul", [x, weight(b, `${name}_weight`, inputs, outputs)]),
    weight(b, `${name}_bias`, outputs),
  ]);

const times = (b: GraphBuilder, x: Value, factor: number): Value => b.op("Mul", [x, b.scalar(factor)]);
const plus = (b: GraphBuilder, x: Value, summand: number): Value => b.op("Add", [x, b.scalar(summand)]);
const clip = (b: GraphBuilder, x: Value, high: number): Value =>
  b.op("Clip", [x, b.scalar(0), b.scalar(high)]);

/** Two dense layers and what is between them. */
const between = (make: Make): Graph =>
  graphOf([1, 4, 6], (b, x) => dense(b, make(b, dense(b, x, "first", 6, 8)), "second", 8, 5));

/** A convolution whose channels are opened and closed by what `gate` makes of their means. */
const squeezed = (gate: Make): Graph =>
  graphOf([1, 3, 6, 6], (b, x) => {
    const conv = b.op("Conv", [x, weight(b, "w", 8, 3, 3, 3), weight(b, "b", 8)]);
    const map = b.op("Relu", [conv]);
    const mean = b.op("GlobalAveragePool", [map]);
    const narrow = b.op("Relu", [b.op("Conv", [mean, weight(b, "w1", 4, 8, 1, 1), weight(b, "b1", 4)])]);
    const wide = b.op("Conv", [narrow, weight(b, "w2", 8, 4, 1, 1), weight(b, "b2", 8)]);
    const product = b.op("Mul", [map, gate(b, wide)]);
    const flat = b.op("Flatten", [b.op("GlobalAveragePool", [product])]);
    return b.op("Gemm", [flat, weight(b, "w3", 8, 5), weight(b, "b3", 5)]);
  });

const square = (b: GraphBuilder, x: Value): Value => b.op("Pow", [x, b.scalar(2)]);
const meanOf = (b: GraphBuilder, x: Value): Value => b.op("ReduceMean", [x], { axes: ints([-1]) });

const attention = (scaled: Make): Graph =>
  graphOf([1, 4, 6], (b, x) => {
    const [q, k, v] = ["q", "k", "v"].map((name) => dense(b, x, name, 6, 8)) as [Value, Value, Value];
    const scores = b.op("MatMul", [q, b.op("Transpose", [k], { perm: ints([0, 2, 1]) })]);
    const weights = b.op("Softmax", [scaled(b, scores)], { axis: int(-1) });
    return dense(b, b.op("MatMul", [weights, v]), "out", 8, 5);
  });

/** Each with the canonical operators that make it what it is. */
export const networks: readonly (readonly [name: string, operators: readonly string[], graph: Graph])[] = [
  [
    "GELU by erf(x/√2)",
    ["Gelu"],
    between((b, x) => {
      const erf = b.op("Erf", [b.op("Div", [x, b.scalar(Math.SQRT2)])]);
      return times(b, b.op("Mul", [x, plus(b, erf, 1)]), 0.5);
    }),
  ],
  [
    "GELU by erf(x·√½)",
    ["Gelu"],
    between((b, x) => {
      const half = times(b, x, 0.5);
      return b.op("Add", [half, b.op("Mul", [half, b.op("Erf", [times(b, x, Math.SQRT1_2)])])]);
    }),
  ],
  [
    "GELU by tanh",
    ["Gelu"],
    between((b, x) => {
      const cubic = times(b, b.op("Pow", [x, b.scalar(3)]), 0.044715);
      const tanh = b.op("Tanh", [times(b, b.op("Add", [x, cubic]), Math.sqrt(2 / Math.PI))]);
      return b.op("Mul", [times(b, x, 0.5), plus(b, tanh, 1)]);
    }),
  ],
  ["SiLU", ["Silu"], between((b, x) => b.op("Mul", [x, b.op("Sigmoid", [x])]))],
  [
    "SiLU by tanh",
    ["Silu"],
    between((b, x) => b.op("Mul", [x, plus(b, times(b, b.op("Tanh", [times(b, x, 0.5)]), 0.5), 0.5)])),
  ],
  ["x·σ(1.702·x)", ["Sigmoid"], between((b, x) => b.op("Mul", [x, b.op("Sigmoid", [times(b, x, 1.702)])]))],
  ["Mish", ["Mish"], between((b, x) => b.op("Mul", [x, b.op("Tanh", [b.op("Softplus", [x])])]))],
  [
    "HardSwish by clip(x + 3, 0, 6)/6",
    ["HardSwish"],
    between((b, x) => b.op("Mul", [x, b.op("Div", [clip(b, plus(b, x, 3), 6), b.scalar(6)])])),
  ],
  [
    "HardSwish by clip(x/6 + ½, 0, 1)",
    ["HardSwish"],
    between((b, x) => b.op("Mul", [x, clip(b, plus(b, times(b, x, 1 / 6), 0.5), 1)])),
  ],
  [
    "LayerNormalization",
    ["LayerNormalization"],
    between((b, x) => {
      const deviation = b.op("Sub", [x, meanOf(b, x)]);
      const root = b.op("Sqrt", [plus(b, meanOf(b, square(b, deviation)), 1e-2)]);
      const normal = b.op("Div", [deviation, root]);
      return b.op("Add", [b.op("Mul", [normal, weight(b, "γ", 8)]), weight(b, "β", 8)]);
    }),
  ],
  [
    "RMSNormalization",
    ["RMSNormalization"],
    between((b, x) => {
      const inverse = b.op("Reciprocal", [b.op("Sqrt", [plus(b, meanOf(b, square(b, x)), 1e-2)])]);
      return b.op("Mul", [b.op("Mul", [x, inverse]), weight(b, "γ", 8)]);
    }),
  ],
  ["attention, its scores times 1/√d", ["Product"], attention((b, scores) => times(b, scores, 8 ** -0.5))],
  [
    "attention, its scores divided by √d",
    ["Product"],
    attention((b, scores) => b.op("Div", [scores, b.op("Sqrt", [b.scalar(8)])])),
  ],
  ["squeeze-and-excitation", ["Sigmoid"], squeezed((b, x) => b.op("Sigmoid", [x]))],
  [
    "squeeze-and-excitation by HardSigmoid",
    ["HardSigmoid"],
    squeezed((b, x) => b.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) })),
  ],
  [
    "squeeze-and-excitation by clip(x + 3, 0, 6)/6",
    ["HardSigmoid"],
    squeezed((b, x) => b.op("Div", [clip(b, plus(b, x, 3), 6), b.scalar(6)])),
  ],
  [
    "squeeze-and-excitation by clip(0.2·x + ½, 0, 1)",
    ["HardSigmoid"],
    squeezed((b, x) => clip(b, plus(b, times(b, x, 0.2), 0.5), 1)),
  ],
  [
    "squeeze-and-excitation by 1 − σ(x)",
    ["Sigmoid"],
    squeezed((b, x) => b.op("Sub", [b.scalar(1), b.op("Sigmoid", [x])])),
  ],
  ["squeeze-and-excitation by 2·σ(x)", ["Sigmoid"], squeezed((b, x) => times(b, b.op("Sigmoid", [x]), 2))],
  [
    "batch normalisation",
    [],
    graphOf([1, 3, 6, 6], (b, x) => {
      const conv = b.op("Conv", [x, weight(b, "w", 8, 3, 3, 3), weight(b, "b", 8)]);
      const [gamma, beta] = [weight(b, "gamma", 8), weight(b, "beta", 8)];
      const mean = weight(b, "mean", 8);
      const variance = b.constant(float32Tensor([1, 2, 0.5, 1, 1.5, 0.75, 1, 1.25], [8]), "variance");
      const norm = b.op("BatchNormalization", [conv, gamma, beta, mean, variance]);
      const flat = b.op("Flatten", [b.op("GlobalAveragePool", [b.op("Relu", [norm])])]);
      return b.op("Gemm", [flat, weight(b, "w3", 8, 5), weight(b, "b3", 5)]);
    }),
  ],
];
