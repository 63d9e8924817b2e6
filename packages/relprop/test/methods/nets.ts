/** Small networks with an open batch, and a session that is kept for many runs. */

import * as ort from "onnxruntime-node";
import {
  concatChunks,
  float32Tensor,
  GraphBuilder,
  ints,
  int,
  writeModel,
  type Model,
  type Shape,
  type Value,
} from "../../src/onnx/index.ts";
import { compileMethod, type FloatArray, type MethodOptions } from "../../src/index.ts";
import { randomNumbers } from "../support/run.ts";

export const image = [3, 8, 6] as const;
export const pixels = 3 * 8 * 6;
export const classes = 4;

export const images = (count: number, seed = 7): FloatArray => ({
  data: randomNumbers(count * pixels, seed),
  dims: [count, ...image],
});

/** A constant of random numbers. */
export const weights = (b: GraphBuilder, dims: readonly number[], seed: number, scale = 1): Value =>
  b.constant(
    float32Tensor(
      randomNumbers(
        dims.reduce((a, n) => a * n, 1),
        seed,
      ).map((n) => n * scale),
      dims,
    ),
    `weights${seed}`,
  );

export function modelOf(make: (b: GraphBuilder, x: Value) => Value, dims: Shape = ["N", ...image]): Model {
  const b = new GraphBuilder();
  const x = b.input("input", "float32", dims);
  b.output(make(b, x), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const same = { pads: ints([1, 1, 1, 1]) };

/** conv, activation, pooling, conv, activation, global average, dense. */
export function convnet(activation: "Tanh" | "Relu", bias: boolean, dims?: Shape): Model {
  return modelOf((b, x) => {
    const biasOf = (size: number, seed: number): [Value] | [] =>
      bias ? [weights(b, [size], seed, 0.3)] : [];
    const act = (v: Value, name: string): Value => b.op(activation, [v], {}, name);
    const first = act(
      b.op("Conv", [x, weights(b, [5, 3, 3, 3], 1, 0.4), ...biasOf(5, 2)], same, "conv1"),
      "act1",
    );
    const pooled = b.op("AveragePool", [first], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
    const second = act(
      b.op("Conv", [pooled, weights(b, [6, 5, 3, 3], 3, 0.4), ...biasOf(6, 4)], same, "conv2"),
      "act2",
    );
    const flat = b.op("Flatten", [b.op("GlobalAveragePool", [second])]);
    return b.op("Gemm", [flat, weights(b, [classes, 6], 5), ...biasOf(classes, 6)], { transB: int(1) });
  }, dims);
}

/** A session and the float32 output or outputs of its runs. */
export async function session(model: Model): Promise<{
  run(feeds: Readonly<Record<string, FloatArray>>): Promise<Record<string, FloatArray>>;
  release(): Promise<void>;
}> {
  const open = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 3,
  });
  return {
    async run(feeds) {
      const tensors = Object.entries(feeds).map(
        ([name, { data, dims }]) => [name, new ort.Tensor("float32", data, dims)] as const,
      );
      const results = await open.run(Object.fromEntries(tensors));
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]) => [name, { data: data as Float32Array, dims }]),
      );
    },
    release: () => open.release(),
  };
}

export const sum = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, n) => a + n, 0);

/** The part of a batch that belongs to one sample. */
export const sampleOf = ({ data, dims }: FloatArray, sample: number): Float32Array => {
  const size = data.length / (dims[0] as number);
  return data.slice(sample * size, (sample + 1) * size);
};

export const oneHot = (indices: readonly number[], count: number = classes): FloatArray => {
  const data = new Float32Array(indices.length * count);
  for (const [sample, index] of indices.entries()) data[sample * count + index] = 1;
  return { data, dims: [indices.length, count] };
};

/** The classes that the two images are explained for. */
export const target: FloatArray = oneHot([2, 0]);

/** relevance and outputs of a compiled model for two images. */
export async function explained(
  model: Model,
  options: MethodOptions,
  feeds: Readonly<Record<string, FloatArray>> = {},
): Promise<Record<string, FloatArray>> {
  const open = await session(compileMethod(model, options).model);
  const results = await open.run({ input: images(2), target, ...feeds });
  await open.release();
  return results;
}
