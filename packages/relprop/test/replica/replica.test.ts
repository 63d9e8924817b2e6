/** Every rule on every linear operator, stride, group, dilation and padding, against dense matrices in float64. */

import { describe, expect, it } from "vitest";
import { compile, type CompileOptions, type Strides } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { denseMatrixOf, matrixOf, outputSize, type Geometry, type Matrix } from "./dense-operators.ts";
import * as rules from "./rules.ts";

const samples = 2;
const product = (numbers: readonly number[]): number => numbers.reduce((a, n) => a * n, 1);

interface Operator {
  readonly title: string;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly model: Model;
  readonly matrix: (weights: ArrayLike<number>) => Matrix;
  readonly denseMatrix?: (weights: ArrayLike<number>, strides: "average" | "interpolate") => Matrix;
}

function build(shape: readonly number[], make: (b: GraphBuilder, x: Value) => Value): Model {
  const b = new GraphBuilder();
  const x = b.input("input", "float32", ["N", ...shape]);
  b.output(make(b, x), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

function convolution(title: string, given: Partial<Geometry> & Pick<Geometry, "size">): Operator {
  const rank = given.size.length;
  const g: Geometry = {
    kind: "conv",
    channels: 4,
    outputs: 6,
    kernel: given.size.map(() => 3),
    group: 1,
    strides: given.size.map(() => 1),
    dilations: given.size.map(() => 1),
    pads: Array.from({ length: 2 * rank }, () => 0),
    ...given,
  };
  const weightShape =
    g.kind === "conv"
      ? [g.outputs, g.channels / g.group, ...g.kernel]
      : [g.channels, g.outputs / g.group, ...g.kernel];
  const weights = randomNumbers(product(weightShape), title.length);
  const bias = randomNumbers(g.outputs, 5);
  const model = build([g.channels, ...g.size], (b, x) => {
    const W = b.constant(float32Tensor(weights, weightShape), "weights");
    const attributes = {
      strides: ints(g.strides),
      dilations: ints(g.dilations),
      pads: ints(g.pads),
      group: int(g.group),
      ...(g.outputPadding ? { output_padding: ints(g.outputPadding) } : {}),
    };
    const type = g.kind === "conv" ? "Conv" : "ConvTranspose";
    return b.op(type, [x, W, b.constant(float32Tensor(bias, [g.outputs]), "bias")], attributes);
  });
  return {
    title,
    inputShape: [g.channels, ...g.size],
    outputShape: [g.outputs, ...outputSize(g)],
    weights,
    bias,
    model,
    matrix: (w) => matrixOf(g, w),
    ...(g.kind === "conv"
      ? {
          denseMatrix: (w: ArrayLike<number>, strides: "average" | "interpolate") =>
            denseMatrixOf(g, w, strides),
        }
      : {}),
  };
}

/** [C] -> [K], weights stored [C, K] or, transposed, [K, C]. */
function dense(title: string, type: "Gemm" | "MatMul" | "MatMul+Add", transB: boolean): Operator {
  const [C, K] = [7, 5];
  const weights = randomNumbers(C * K, 9);
  const hasBias = type !== "MatMul";
  const bias = hasBias ? randomNumbers(K, 4) : new Float32Array(K);
  const model = build([C], (b, x) => {
    const W = b.constant(float32Tensor(weights, transB ? [K, C] : [C, K]), "weights");
    const c = b.constant(float32Tensor(bias, [K]), "bias");
    if (type === "Gemm") return b.op("Gemm", [x, W, c], { transB: int(transB ? 1 : 0) });
    const product = b.op("MatMul", [x, W]);
    return hasBias ? b.op("Add", [product, c]) : product;
  });
  const matrix = (w: ArrayLike<number>): Matrix => ({
    rows: K,
    columns: C,
    data: Float64Array.from({ length: K * C }, (_, i) => {
      const [k, c] = [Math.floor(i / C), i % C];
      return w[transB ? k * C + c : c * K + k] as number;
    }),
  });
  return { title, inputShape: [C], outputShape: [K], weights, bias, model, matrix };
}

const operators: Operator[] = [
  convolution("Conv 1-D", { size: [9], pads: [1, 1] }),
  convolution("Conv 2-D without padding", { size: [6, 5] }),
  convolution("Conv 2-D, padded all round", { size: [5, 6], pads: [1, 1, 1, 1] }),
  convolution("Conv 2-D, asymmetric pads", { size: [5, 6], pads: [0, 2, 1, 0] }),
  convolution("Conv 2-D, pads wider than the kernel", { size: [4, 4], kernel: [1, 1], pads: [1, 1, 1, 1] }),
  convolution("Conv 2-D, stride 2", { size: [7, 8], strides: [2, 2], pads: [1, 1, 1, 1] }),
  convolution("Conv 2-D, strides 3 and 2, rest left over", { size: [9, 8], strides: [3, 2], kernel: [2, 3] }),
  convolution("Conv 2-D, 1×1 at stride 2", { size: [5, 6], kernel: [1, 1], strides: [2, 2] }),
  convolution("Conv 2-D, 7×7 at stride 2", {
    size: [9, 9],
    channels: 2,
    kernel: [7, 7],
    strides: [2, 2],
    pads: [3, 3, 3, 3],
  }),
  convolution("Conv 2-D, 2 groups", { size: [5, 5], group: 2, pads: [1, 1, 1, 1] }),
  convolution("Conv 2-D, 2 groups, stride 2", {
    size: [6, 5],
    group: 2,
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  }),
  convolution("Conv 2-D, depthwise", { size: [5, 6], outputs: 8, group: 4, pads: [1, 1, 1, 1] }),
  convolution("Conv 2-D, dilated", { size: [7, 8], dilations: [2, 1], pads: [2, 1, 2, 1] }),
  convolution("Conv 2-D, dilated, stride 2", {
    size: [8, 9],
    dilations: [2, 2],
    strides: [2, 2],
    pads: [1, 2, 1, 2],
  }),
  convolution("Conv 3-D", { size: [3, 4, 4], channels: 2, outputs: 3, pads: [1, 1, 0, 1, 1, 1] }),
  convolution("Conv 3-D, stride 2", {
    size: [4, 5, 4],
    channels: 2,
    outputs: 2,
    strides: [2, 2, 1],
    pads: [1, 1, 1, 1, 1, 1],
  }),
  convolution("ConvTranspose 1-D", { kind: "transposed", size: [5], strides: [2] }),
  convolution("ConvTranspose 2-D", { kind: "transposed", size: [4, 3], pads: [1, 1, 1, 1] }),
  convolution("ConvTranspose 2-D, stride 2, output padding", {
    kind: "transposed",
    size: [3, 4],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    outputPadding: [1, 1],
  }),
  convolution("ConvTranspose 2-D, 2 groups, dilated", {
    kind: "transposed",
    size: [3, 4],
    group: 2,
    dilations: [1, 2],
  }),
  convolution("ConvTranspose 3-D", {
    kind: "transposed",
    size: [2, 3, 2],
    channels: 2,
    outputs: 2,
    strides: [2, 1, 2],
  }),
  dense("Gemm", "Gemm", false),
  dense("Gemm, transB", "Gemm", true),
  dense("MatMul", "MatMul", false),
  dense("MatMul and Add", "MatMul+Add", false),
];

const cases: { rule: string; options: CompileOptions; replica: rules.DenseRule }[] = [
  { rule: "epsilon", options: { composite: "epsilon" }, replica: rules.epsilon() },
  { rule: "epsilon 0.25", options: { composite: "epsilon", epsilon: 0.25 }, replica: rules.epsilon(0.25) },
  { rule: "zplus", options: { composite: "zplus" }, replica: rules.zplus() },
  {
    rule: "zplus from ones without bias",
    options: { composite: "fischer", strides: "exact" },
    replica: rules.zplus({ e: 1e-5, withBias: false, ones: true }),
  },
  { rule: "flat", options: { composite: "flat" }, replica: rules.flat() },
  { rule: "wsquare", options: { composite: "wsquare" }, replica: rules.wsquare() },
  { rule: "gamma 0.25", options: { composite: "gamma" }, replica: rules.gamma() },
  { rule: "alpha-beta (2, 1)", options: { composite: "alpha-beta" }, replica: rules.alphaBeta(2, 1) },
  {
    rule: "alpha-beta (1, 0)",
    options: { composite: "alpha-beta", alpha: 1, beta: 0 },
    replica: rules.alphaBeta(1, 0),
  },
  {
    rule: "zbox ±1",
    options: {
      composite: "flat",
      low: -1,
      high: 1,
      rules: [{ pattern: "first", rule: "zbox(low=-1,high=1)" }],
    },
    replica: rules.zbox(-1, 1),
  },
];

/** Largest relative distance that float32 may have from float64. */
const tolerance = 1e-5;

/**
 * Relevance only where |z| is not tiny: R/z of a z that is mostly rounding error has no digits that two precisions
 * could agree on.
 */
function wellConditioned(
  operator: Operator,
  matrix: Operator["matrix"],
  x: Float32Array,
  R: Float32Array,
): Float32Array {
  const W = matrix(operator.weights);
  const perChannel = product(operator.outputShape.slice(1));
  return R.map((relevance, i) => {
    const [sample, row] = [Math.floor(i / W.rows), i % W.rows];
    const input = x.subarray(sample * W.columns, (sample + 1) * W.columns);
    const terms = Array.from(input, (n, column) => n * (W.data[row * W.columns + column] as number));
    const bias = operator.bias[Math.floor(row / perChannel)] as number;
    const z = terms.reduce((sum, term) => sum + term, bias);
    const largest = terms.reduce((sum, term) => sum + Math.abs(term), Math.abs(bias));
    return Math.abs(z) < 0.05 * largest ? 0 : relevance;
  });
}

async function distance(
  operator: Operator,
  options: CompileOptions,
  replica: rules.DenseRule,
  strides: Strides = "exact",
): Promise<number> {
  const x = randomNumbers(samples * product(operator.inputShape), 1);
  const { denseMatrix } = operator;
  const matrix: Operator["matrix"] =
    strides === "exact" || !denseMatrix ? operator.matrix : (weights) => denseMatrix(weights, strides);
  const R = wellConditioned(operator, matrix, x, randomNumbers(samples * product(operator.outputShape), 2));
  const compiled = compile(operator.model, {
    strides,
    ...options,
    seed: "one",
  });
  const results = await runModel(compiled.model, {
    input: { data: x, dims: [samples, ...operator.inputShape] },
    target: { data: R, dims: [samples, ...operator.outputShape] },
  });
  const perChannel = product(operator.outputShape.slice(1));
  const bias = Float64Array.from(
    { length: product(operator.outputShape) },
    (_, i) => operator.bias[Math.floor(i / perChannel)] as number,
  );
  const expected = Array.from({ length: samples }, (_, sample) => {
    const part = (all: Float32Array, shape: readonly number[]): Float64Array =>
      Float64Array.from(all.subarray(sample * product(shape), (sample + 1) * product(shape)));
    const layer = {
      x: part(x, operator.inputShape),
      weights: Float64Array.from(operator.weights),
      bias,
      matrix,
    };
    return [...replica(layer, part(R, operator.outputShape))];
  });
  return relativeDistance(results["relevance"]!.data, expected.flat());
}

describe.each(operators.map((operator) => [operator.title, operator] as const))("%s", (_title, operator) => {
  it.each(cases.map((each) => [each.rule, each] as const))(
    "%s agrees with its float64 replica",
    async (_rule, each) => {
      expect(await distance(operator, each.options, each.replica)).toBeLessThan(tolerance);
    },
  );

  const withStrides = (["average", "interpolate"] as const).flatMap((strides) =>
    operator.denseMatrix ? cases.map((each) => [each.rule, strides, each] as const) : [],
  );
  it.each(withStrides)("%s with strides %s agrees with its float64 replica", async (_rule, strides, each) => {
    expect(await distance(operator, { ...each.options, strides }, each.replica, strides)).toBeLessThan(
      tolerance,
    );
  });
});
