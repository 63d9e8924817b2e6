/**
 * The op table without any other framework: the gradient that each row's transpose gives, against central differences
 * of the forward model alone, along random directions. With the `gradient` composite relevance is the gradient of
 * target · output.
 */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import {
  concatChunks,
  float,
  GraphBuilder,
  int,
  ints,
  string,
  writeModel,
  type Model,
  type Shape,
  type Value,
} from "../../src/onnx/index.ts";
import { opTable } from "../../src/relevance/op-table.ts";
import { randomNumbers } from "../support/run.ts";
import { image, other, unary, weights, type Case } from "./transpose-cases/case.ts";
import { constantCases, functionCases, reductionCases } from "./transpose-cases/functions.ts";
import { movingCases, uncoveredCases } from "./transpose-cases/moving.ts";
import { spectrumCases } from "./transpose-cases/spectra.ts";
import { resamplingCases } from "./transpose-cases/resampling.ts";
import { samplingCases } from "./transpose-cases/sampling.ts";

const directions = 8;
const step = 1e-3;

const pooled = (
  op: Case["op"],
  title: string,
  attributes: Record<string, ReturnType<typeof ints>>,
): Case => ({
  op,
  title,
  make: (b, x) => b.like({ opType: op, attributes }, [x]),
});
const windows = {
  tiles: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
  overlap: { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 1, 1]) },
  dense: { kernel_shape: ints([3, 3]), strides: ints([1, 1]), pads: ints([1, 1, 1, 1]) },
};
const ceil = { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) };
const same = { kernel_shape: ints([3, 3]), strides: ints([2, 2]), auto_pad: string("SAME_UPPER") };

/** An operator of later opsets. */
const groupNormalization = { opType: "GroupNormalization", attributes: { num_groups: int(2) } };

/** By equation, with the shape of the input and of constants. */
const einsums: readonly (readonly [
  title: string,
  equation: string,
  shape: number[],
  ...others: number[][],
])[] = [
  ["an ellipsis", "...ij,jk->...ik", [2, 3, 4, 5], [5, 6]],
  ["an ellipsis in between, the output left out", "b...i,...ij", [2, 3, 4, 5], [3, 4, 5, 2]],
  ["an ellipsis that is broadcast", "...ij,...jk->...ik", [2, 1, 4, 5], [2, 3, 5, 6]],
  ["an ellipsis of nothing", "...ij,kj->...ik", [4, 5], [6, 5]],
  ["a diagonal", "bii,ik->bk", [2, 4, 4], [4, 3]],
  ["a diagonal of three axes apart", "ibici,k->bck", [3, 2, 3, 4, 3], [2]],
  ["two diagonals", "ijij->ji", [3, 4, 3, 4]],
  ["a trace", "bii->b", [2, 4, 4]],
  ["one tensor", "bij->jb", [2, 3, 4]],
  ["one tensor, the output left out", "cab", [2, 3, 4]],
  ["three tensors", "bi,ij,jk->bk", [2, 3], [3, 4], [4, 5]],
  ["four tensors, the first two apart", "bij,i,j,ik->bk", [2, 3, 4], [3], [4], [3, 5]],
  ["a repeated axis of size 1", "bij,bjk->bik", [2, 3, 1], [2, 4, 5]],
];

const cases: Case[] = [
  {
    op: "Conv",
    make: (b, x) =>
      b.op("Conv", [x, weights(b, [4, 3, 3, 3])], { pads: ints([1, 1, 1, 1]), strides: ints([2, 1]) }),
  },
  {
    op: "Conv",
    title: "SAME_LOWER",
    make: (b, x) =>
      b.op("Conv", [x, weights(b, [4, 3, 3, 3])], { strides: ints([2, 2]), auto_pad: string("SAME_LOWER") }),
  },
  {
    op: "ConvTranspose",
    make: (b, x) =>
      b.op("ConvTranspose", [x, weights(b, [3, 2, 3, 3])], {
        strides: ints([2, 2]),
        output_padding: ints([1, 0]),
      }),
  },
  {
    op: "ConvTranspose",
    title: "SAME_UPPER",
    make: (b, x) =>
      b.op("ConvTranspose", [x, weights(b, [3, 2, 3, 3])], {
        strides: ints([2, 2]),
        auto_pad: string("SAME_UPPER"),
      }),
  },
  {
    op: "ConvTranspose",
    title: "output_shape",
    make: (b, x) =>
      b.op("ConvTranspose", [x, weights(b, [3, 2, 3, 3])], {
        strides: ints([2, 2]),
        output_shape: ints([12, 10]),
      }),
  },
  {
    op: "Gemm",
    shape: [2, 7],
    make: (b, x) => b.op("Gemm", [x, weights(b, [4, 7])], { transB: int(1), alpha: float(0.5) }),
  },
  {
    op: "Linear",
    shape: [2, 5, 7],
    make: (b, x) => b.op("Add", [b.op("MatMul", [x, weights(b, [7, 4])]), weights(b, [4], 5)]),
  },
  {
    op: "MatMul",
    title: "constant on the left",
    shape: [2, 7, 3],
    make: (b, x) => b.op("MatMul", [weights(b, [4, 7]), x]),
  },
  {
    op: "MatMul",
    title: "constants with a batch",
    shape: [2, 5, 7],
    make: (b, x) => b.op("MatMul", [x, weights(b, [2, 7, 3])]),
  },
  { op: "Affine", make: (b, x) => b.op("Mul", [b.op("Relu", [x]), weights(b, [3, 1, 1])]) },
  { op: "Add", make: (b, x) => b.op("Add", [x, other(b, x)]) },
  {
    op: "Add",
    title: "broadcast",
    make: (b, x) => b.op("Add", [b.op("ReduceMean", [x], { axes: ints([2]) }), x]),
  },
  { op: "Sum", make: (b, x) => b.op("Sum", [x, other(b, x), b.op("Relu", [x])]) },
  { op: "Sub", make: (b, x) => b.op("Sub", [other(b, x), b.op("GlobalAveragePool", [x])]) },
  { op: "Mul", make: (b, x) => b.op("Mul", [x, b.op("Sigmoid", [b.op("GlobalAveragePool", [x])])]) },
  { op: "Div", make: (b, x) => b.op("Div", [x, b.op("Exp", [b.op("GlobalAveragePool", [x])])]) },
  {
    op: "Product",
    shape: [2, 3, 4],
    make: (b, x) => b.op("MatMul", [x, b.op("Transpose", [other(b, x)], { perm: ints([0, 2, 1]) })]),
  },
  {
    op: "Product",
    title: "broadcast",
    shape: [2, 3, 4],
    make: (b, x) =>
      b.op("MatMul", [
        b.op("Unsqueeze", [b.op("ReduceMean", [x], { axes: ints([0]), keepdims: int(0) }), b.integers([0])]),
        b.op("Transpose", [x], { perm: ints([0, 2, 1]) }),
      ]),
  },
  ...einsums.map(([title, equation, shape, ...others]): Case => ({
    op: "Einsum",
    title,
    shape,
    make: (b, x) =>
      b.op("Einsum", [x, ...others.map((each, i) => weights(b, each, i + 1))], {
        equation: string(equation),
      }),
  })),
  {
    op: "Contraction",
    shape: [2, 3, 4],
    make: (b, x) => b.op("Einsum", [x, other(b, x)], { equation: string("bij,bkj->bki") }),
  },
  {
    op: "Contraction",
    title: "with a letter that one alone has",
    shape: [2, 3, 4],
    make: (b, x) => b.op("Einsum", [x, other(b, x)], { equation: string("bij,bkl->bki") }),
  },
  {
    op: "Einsum",
    shape: [2, 3, 4],
    make: (b, x) => b.op("Einsum", [weights(b, [5, 3]), x], { equation: string("hi,bij->bhj") }),
  },
  // At the very end of a model a softmax is stepped over.
  { op: "Softmax", make: (b, x) => b.op("Tanh", [b.op("Softmax", [x], { axis: int(1) })]) },
  { op: "LogSoftmax", make: (b, x) => b.op("Tanh", [b.op("LogSoftmax", [x])]) },
  {
    op: "LayerNormalization",
    make: (b, x) =>
      b.op("LayerNormalization", [x, weights(b, [6, 5]), weights(b, [6, 5], 5)], { axis: int(2) }),
  },
  {
    op: "LayerNormalization",
    title: "spelled out over the channels",
    make(b, x) {
      const mean = (v: Value): Value => b.op("ReduceMean", [v], { axes: ints([1]) });
      const d = b.op("Sub", [x, mean(x)]);
      return b.op("Div", [d, b.op("Sqrt", [b.op("Add", [mean(b.op("Mul", [d, d])), b.scalar(1e-5)])])]);
    },
  },
  {
    op: "RMSNormalization",
    make(b, x) {
      const mean = b.op("ReduceMean", [b.op("Mul", [x, x])], { axes: ints([-1]) });
      const root = b.op("Sqrt", [b.op("Add", [mean, b.scalar(1e-5)])]);
      return b.op("Mul", [b.op("Div", [x, root]), weights(b, [5])]);
    },
  },
  {
    op: "InstanceNormalization",
    make: (b, x) => b.op("InstanceNormalization", [x, weights(b, [3]), weights(b, [3], 5)]),
  },
  {
    op: "GroupNormalization",
    opset: 21,
    shape: [2, 4, 3, 5],
    make: (b, x) => b.like(groupNormalization, [x, weights(b, [4]), weights(b, [4], 5)]),
  },
  {
    op: "GroupNormalization",
    title: "scale per group",
    opset: 18,
    shape: [2, 4, 3, 5],
    make: (b, x) => b.like(groupNormalization, [x, weights(b, [2]), weights(b, [2], 5)]),
  },
  pooled("AveragePool", "tiles", windows.tiles),
  pooled("AveragePool", "overlap", windows.overlap),
  {
    op: "AveragePool",
    title: "padding counted",
    make: (b, x) => b.op("AveragePool", [x], { ...windows.overlap, count_include_pad: int(1) }),
  },
  { op: "AveragePool", title: "ceil_mode", make: (b, x) => b.op("AveragePool", [x], ceil) },
  { op: "AveragePool", title: "SAME_UPPER", make: (b, x) => b.op("AveragePool", [x], same) },
  unary("GlobalAveragePool"),
  unary("ReduceMean", { axes: ints([2, -1]), keepdims: int(0) }),
  { op: "ReduceSum", make: (b, x) => b.op("ReduceSum", [x, b.integers([1])], { keepdims: int(0) }) },
  pooled("MaxPool", "tiles", windows.tiles),
  pooled("MaxPool", "overlap", windows.overlap),
  pooled("MaxPool", "every position", windows.dense),
  { op: "MaxPool", title: "ceil_mode", make: (b, x) => b.op("MaxPool", [x], ceil) },
  { op: "MaxPool", title: "SAME_UPPER", make: (b, x) => b.op("MaxPool", [x], same) },
  {
    op: "MaxPool",
    title: "dilated",
    make: (b, x) => b.op("MaxPool", [x], { kernel_shape: ints([2, 2]), dilations: ints([2, 2]) }),
  },
  {
    op: "MaxPool",
    title: "1-D",
    shape: [2, 3, 9],
    make: (b, x) => b.op("MaxPool", [x], { kernel_shape: ints([3]), strides: ints([2]) }),
  },
  {
    op: "MaxPool",
    title: "3-D",
    shape: [1, 2, 4, 4, 4],
    make: (b, x) => b.op("MaxPool", [x], { kernel_shape: ints([2, 2, 2]), strides: ints([2, 2, 2]) }),
  },
  unary("GlobalMaxPool"),
  unary("Relu"),
  unary("LeakyRelu", { alpha: float(0.1) }),
  { op: "PRelu", make: (b, x) => b.op("PRelu", [x, weights(b, [3, 1, 1])]) },
  { op: "Clip", make: (b, x) => b.op("Clip", [x, b.scalar(-0.4), b.scalar(0.5)]) },
  unary("Elu", { alpha: float(0.7) }),
  unary("Selu"),
  unary("Sigmoid"),
  unary("HardSigmoid", { alpha: float(1.5) }),
  unary("Tanh"),
  unary("Softplus"),
  { op: "HardSwish", make: (b, x) => b.op("HardSwish", [b.op("Mul", [x, b.scalar(4)])]) },
  { op: "Silu", make: (b, x) => b.op("Mul", [x, b.op("Sigmoid", [x])]) },
  { op: "Mish", make: (b, x) => b.op("Mul", [x, b.op("Tanh", [b.op("Softplus", [x])])]) },
  {
    op: "Gelu",
    make: (b, x) =>
      b.op("Mul", [
        b.op("Mul", [x, b.op("Add", [b.op("Erf", [b.op("Div", [x, b.scalar(Math.SQRT2)])]), b.scalar(1)])]),
        b.scalar(0.5),
      ]),
  },
  unary("Flatten", { axis: int(2) }),
  { op: "Reshape", make: (b, x) => b.op("Reshape", [x, b.integers([0, -1, 6])]) },
  { op: "Squeeze", shape: [2, 1, 5], make: (b, x) => b.op("Squeeze", [x, b.integers([1])]) },
  { op: "Unsqueeze", make: (b, x) => b.op("Unsqueeze", [x, b.integers([1, -1])]) },
  unary("Transpose", { perm: ints([0, 2, 3, 1]) }),
  { op: "Concat", make: (b, x) => b.op("Concat", [x, other(b, x)], { axis: int(-2) }) },
  {
    op: "Split",
    make: (b, x) =>
      b.op("Mul", [b.scalar(2), b.ops("Split", [x, b.integers([2, 4])], { axis: int(2) }, 2)[1]!]),
  },
  {
    op: "Slice",
    make: (b, x) =>
      b.op("Slice", [x, b.integers([1, 0]), b.integers([5, 5]), b.integers([2, 3]), b.integers([2, 3])]),
  },
  {
    op: "Slice",
    title: "backwards",
    make: (b, x) => b.op("Slice", [x, b.integers([-1]), b.integers([0]), b.integers([2]), b.integers([-2])]),
  },
  { op: "Pad", make: (b, x) => b.op("Pad", [x, b.integers([0, 0, 1, 0, 0, 1, 2, 3])]) },
  { op: "Identity", make: (b, x) => b.op("Tanh", [b.op("Identity", [x])]) },
  { op: "Dropout", make: (b, x) => b.op("Tanh", [b.op("Dropout", [x])]) },
  {
    op: "Cast",
    make: (b, x) => b.op("Cast", [b.op("Cast", [b.op("Tanh", [x])], { to: int(11) })], { to: int(1) }),
  },
  ...constantCases,
  ...functionCases,
  ...reductionCases,
  ...movingCases,
  ...spectrumCases,
  ...resamplingCases,
  ...samplingCases,
  ...uncoveredCases,
  ...(
    [
      ["LSTM", 4],
      ["GRU", 3],
      ["RNN", 1],
    ] as const
  ).map(([op, gates]): Case => ({
    op,
    shape: [5, 2, 3],
    make: (b, x) =>
      b.op(
        op,
        [x, weights(b, [1, gates * 4, 3]), weights(b, [1, gates * 4, 4], 5), weights(b, [1, 8 * gates], 7)],
        { hidden_size: int(4) },
      ),
  })),
];

function modelOf({ make, opset = 17 }: Case, dims: Shape): Model {
  const b = new GraphBuilder();
  const x = b.input("input", "float32", dims);
  b.output(make(b, x), "output");
  return { irVersion: 8, opsets: { "": opset }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const session = (model: Model): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(concatChunks(writeModel(model).chunks), { logSeverityLevel: 3 });

const dot = (a: ArrayLike<number>, c: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, n, i) => sum + n * (c[i] as number), 0);

async function check(each: Case, dims: Shape): Promise<void> {
  const shape = each.shape ?? image;
  const model = modelOf(each, dims);
  const forward = await session(model);
  const x = randomNumbers(
    shape.reduce((a, n) => a * n, 1),
    11,
  );
  const tensor = (data: Float32Array): ort.Tensor => new ort.Tensor("float32", data, shape);
  const run = async (data: Float32Array): Promise<ort.Tensor> =>
    (await forward.run({ input: tensor(data) }))["output"] as ort.Tensor;
  const y = await run(x);
  const target = randomNumbers(y.size, 12);
  const value = async (data: Float32Array): Promise<number> =>
    dot((await run(data)).data as Float32Array, target);

  const compiled = compile(model, { composite: "gradient", start: "output" });
  const backward = await session(compiled.model);
  const results = await backward.run({ input: tensor(x), target: new ort.Tensor("float32", target, y.dims) });
  const gradient = results["relevance"]?.data as Float32Array;
  expect(results["relevance"]?.dims).toEqual(shape);
  for (let seed = 0; seed < directions; seed++) {
    const v = randomNumbers(x.length, 20 + seed);
    const moved = (sign: number): Float32Array => x.map((n, i) => n + sign * step * (v[i] as number));
    const difference = ((await value(moved(1))) - (await value(moved(-1)))) / (2 * step);
    const scale = Math.sqrt(dot(gradient, gradient) * dot(v, v));
    expect(Math.abs(difference - dot(gradient, v)) / scale).toBeLessThan(5e-3);
  }
  await forward.release();
  await backward.release();
}

describe("the transpose of every row agrees with central differences", () => {
  it.each(cases.map((each) => [`${each.op}${each.title ? `, ${each.title}` : ""}`, each] as const))(
    "%s",
    async (_title, each) => {
      await check(each, each.shape ?? image);
    },
  );

  const spatial = cases.filter(
    (each) => each.shape === undefined && each.title !== "SAME_UPPER" && each.title !== "SAME_LOWER",
  );
  it.each(spatial.map((each) => [`${each.op}${each.title ? `, ${each.title}` : ""}`, each] as const))(
    "%s, with batch and image size open",
    async (_title, each) => {
      await check(each, each.open ?? ["N", 3, "H", "W"]);
    },
  );

  it("covers the whole table", () => {
    // A quantiser is a step: its slope is straight-through by convention (canonicalize/recognize-fake-quantize.test.ts).
    const covered = new Set<Case["op"]>([
      ...cases.map((each) => each.op),
      "FakeQuantize",
      "DynamicFakeQuantize",
    ]);
    expect(Object.keys(opTable).filter((op) => !covered.has(op as Case["op"]))).toEqual([]);
  });
});
