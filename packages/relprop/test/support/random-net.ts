/** Small nets with random weights, and how to explain them in one line. */

import { compile, type CompileOptions } from "../../src/index.ts";
import {
  float,
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  type Attributes,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers, runModel, type Array32 } from "./run.ts";

export const product = (numbers: readonly number[]): number => numbers.reduce((a, n) => a * n, 1);
export const array = (dims: readonly number[], seed: number): Array32 => ({
  data: randomNumbers(product(dims), seed),
  dims,
});
export const sum = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, n) => a + n, 0);
export const magnitude = (numbers: ArrayLike<number>): number => sum(Array.from(numbers, Math.abs));
/** One of the samples of a batch. */
export const sampleOf = ({ data, dims }: Array32, sample: number): Array32 => {
  const size = product(dims.slice(1));
  return { data: data.slice(sample * size, (sample + 1) * size), dims: [1, ...dims.slice(1)] };
};
export const oneHot = (classes: readonly number[], count: number): Array32 => ({
  data: Float32Array.from(classes.flatMap((c) => Array.from({ length: count }, (_, i) => (i === c ? 1 : 0)))),
  dims: [classes.length, count],
});

export const size = 8;
export const classes = 5;

export interface NetOptions {
  readonly seed: number;
  readonly bias?: boolean;
  /** A batch-norm after the first convolution: as the operator, or folded into the convolution by hand. */
  readonly batchNorm?: "operator" | "by hand";
  readonly softmax?: boolean;
}

/** conv (bn) – relu – residual(conv – relu – conv) – relu – max pool – average pool – flatten – gemm – relu – gemm */
export function net({ seed, bias = true, batchNorm, softmax = false }: NetOptions): Model {
  const b = new GraphBuilder();
  let next = seed;
  const random = (dims: readonly number[], scale = 1, offset = 0): Float32Array =>
    randomNumbers(product(dims), (next += 7919)).map((n) => n * scale + offset);
  const constant = (data: Float32Array, dims: readonly number[]): Value =>
    b.constant(float32Tensor(data, dims), "c");
  const conv = (x: Value, C: number, K: number, attributes: Attributes, name: string): Value => {
    const W = constant(random([K, C, 3, 3]), [K, C, 3, 3]);
    const all = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), ...attributes };
    return b.op("Conv", bias ? [x, W, constant(random([K], 0.3), [K])] : [x, W], all, name);
  };
  const gemm = (x: Value, C: number, K: number, name: string): Value => {
    const W = constant(random([C, K]), [C, K]);
    return b.op("Gemm", bias ? [x, W, constant(random([K], 0.3), [K])] : [x, W], {}, name);
  };
  const x = b.input("x", "float32", ["N", 3, size, size]);

  let first: Value;
  if (batchNorm) {
    const [W, c] = [random([4, 3, 3, 3]), random([4])];
    const [scale, shift, mean] = [random([4], 0.5, 1), random([4]), random([4])];
    const variance = random([4], 0.4, 1);
    const attributes = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) };
    if (batchNorm === "operator") {
      const raw = b.op("Conv", [x, constant(W, [4, 3, 3, 3]), constant(c, [4])], attributes, "conv1");
      const affine = [constant(scale, [4]), constant(shift, [4])] as const;
      const moments = [constant(mean, [4]), constant(variance, [4])] as const;
      first = b.op("BatchNormalization", [raw, ...affine, ...moments], { epsilon: float(1e-3) }, "bn");
    } else {
      const factor = scale.map((n, k) => n / Math.sqrt((variance[k] as number) + 1e-3));
      const folded = W.map((n, i) => n * (factor[Math.floor(i / 27)] as number));
      const offset = c.map(
        (n, k) => (n - (mean[k] as number)) * (factor[k] as number) + (shift[k] as number),
      );
      first = b.op("Conv", [x, constant(folded, [4, 3, 3, 3]), constant(offset, [4])], attributes, "conv1");
    }
  } else first = conv(x, 3, 4, {}, "conv1");
  const trunk = b.op("Relu", [first], {}, "relu1");
  const inner = conv(b.op("Relu", [conv(trunk, 4, 4, {}, "conv2")], {}, "relu2"), 4, 4, {}, "conv3");
  const joined = b.op("Relu", [b.op("Add", [inner, trunk], {}, "add")], {}, "relu3");
  const strided = b.op("Relu", [conv(joined, 4, 6, { strides: ints([2, 2]) }, "conv4")], {}, "relu4");
  const pooled = b.op("MaxPool", [strided], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }, "pool");
  const averaged = b.op("AveragePool", [pooled], { kernel_shape: ints([2, 1]) }, "average");
  const hidden = gemm(b.op("Flatten", [averaged], {}, "flatten"), 12, 7, "hidden");
  const logits = gemm(b.op("Relu", [hidden], {}, "relu5"), 7, classes, "head");
  b.output(softmax ? b.op("Softmax", [logits], { axis: int(1) }, "softmax") : logits, "y");
  return model(b);
}

export const model = (b: GraphBuilder): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph: b.graph("net"),
});

/** Relevance of x; of the feeds, those are given that the compiled model has inputs for. */
export async function explain(
  source: Model,
  options: CompileOptions,
  x: Array32,
  feeds: Readonly<Record<string, Array32>> = {},
): Promise<Array32> {
  const compiled = compile(source, options);
  const wanted = new Set(compiled.model.graph.inputs.map(({ name }) => name));
  const all = Object.entries({ x, ...feeds }).filter(([name]) => wanted.has(name));
  return (await runModel(compiled.model, Object.fromEntries(all)))["relevance"]!;
}
