/** Each saving of the compiler saves work and leaves relevance as it is. */

import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { economies, type Economy } from "../../src/relevance/economies.ts";
import { float32Tensor, GraphBuilder, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { model, product } from "../support/random-net.ts";
import { countWork, type Work } from "../work/count-work.ts";

const size = 16;
const classes = 7;

/** Wide layers: what is left of a few inputs' sum has too few digits to be saved anything on. */
function wideNetwork(): Model {
  const b = new GraphBuilder();
  let seed = 1;
  const weights = (...dims: number[]): Value => {
    const numbers = randomNumbers(product(dims), seed++);
    const scale = Math.sqrt(6 / product(dims.slice(1)));
    return b.constant(
      float32Tensor(
        numbers.map((n) => n * scale),
        dims,
      ),
      `w${seed}`,
    );
  };
  const conv = (v: Value, inputs: number, outputs: number, stride: number): Value =>
    b.op("Conv", [v, weights(outputs, inputs, 3, 3), weights(outputs)], {
      pads: ints([1, 1, 1, 1]),
      strides: ints([stride, stride]),
    });
  const image = b.input("input", "float32", ["N", 3, size, size]);
  const start = b.op("Relu", [conv(image, 3, 32, 1)]);
  const pooled = b.op("MaxPool", [start], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  const branch = conv(b.op("Relu", [conv(pooled, 32, 48, 1)]), 48, 32, 1);
  const joined = b.op("Relu", [b.op("Add", [branch, pooled])]);
  const last = b.op("Clip", [conv(joined, 32, 64, 2), b.scalar(0), b.scalar(6)]);
  const flat = b.op("Flatten", [last]);
  const attributes = { transB: int(1) };
  const hidden = b.op("Relu", [b.op("Gemm", [flat, weights(300, 1024), weights(300)], attributes)]);
  b.output(b.op("Gemm", [hidden, weights(classes, 300), weights(classes)], attributes), "output");
  return model(b);
}

const source = wideNetwork();
const feeds = {
  input: { data: randomNumbers(2 * 3 * size * size, 99), dims: [2, 3, size, size] },
  target: { data: Float32Array.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), dims: [2, classes] },
};

async function explained(options: CompileOptions): Promise<{ relevance: Float32Array; work: Work }> {
  const compiled = compile(source, { seed: "one", ...options });
  const results = await runModel(compiled.model, feeds);
  const relevance = results["relevance"]!.data;
  expect(relevance.some((n) => n !== 0)).toBe(true);
  return {
    relevance,
    work: countWork(compiled.model.graph, { input: [2, 3, size, size], target: [2, classes] }),
  };
}

const box = { low: -1, high: 1 };
const explanations: [string, CompileOptions][] = [
  ["epsilon", { composite: "epsilon" }],
  ["epsilon with the stabiliser clip", { composite: "epsilon", stabilizer: "clip", epsilon: 0.1 }],
  ["epsilon with the stabiliser norm", { composite: "epsilon", stabilizer: "norm", epsilon: 0.1 }],
  ["LRP-0", { composite: "epsilon", epsilon: 0 }],
  ["gamma", { composite: "gamma" }],
  ["gamma without bias", { composite: "gamma", bias: false }],
  ["gamma with the bias whole", { composite: "gamma", bias: "whole" }],
  ["alpha-beta", { composite: "alpha-beta" }],
  ["alpha-beta with the stabiliser clip", { composite: "alpha-beta", stabilizer: "clip" }],
  ["alpha-beta with the stabiliser unsigned", { composite: "alpha-beta", stabilizer: "unsigned" }],
  ["alpha-beta without ε", { composite: "alpha-beta", epsilon: 0 }],
  ["epsilon-gamma-box", { composite: "epsilon-gamma-box", ...box }],
  ["epsilon-alpha2-beta1-flat", { composite: "epsilon-alpha2-beta1-flat" }],
  ["gamma, filtered", { composite: "gamma", topK: 0.3 }],
  ["gamma, strides as averages", { composite: "gamma", strides: "average" }],
];

describe.each(explanations)("%s", (_title, options) => {
  it.each(economies)("is the same without %s", async (economy) => {
    const [saved, whole] = [await explained(options), await explained({ ...options, without: [economy] })];
    expect(relativeDistance(saved.relevance, whole.relevance)).toBeLessThan(1e-5);
    expect(saved.work.macs).toBeLessThanOrEqual(whole.work.macs);
  });
});

describe("savings", () => {
  const macs = (options: CompileOptions): number =>
    countWork(compile(source, { seed: "one", ...options }).model.graph, {
      input: [2, 3, size, size],
      target: [2, classes],
    }).macs;
  const forward = countWork(source.graph, { input: [2, 3, size, size] }).macs;
  const passes = (composite: string, without: readonly Economy[] = []): number =>
    macs({ composite, without }) / forward;

  it("zeros spare gamma the contributions against outputs that are not negative", () => {
    expect(passes("gamma")).toBeLessThan(3.6);
    expect(passes("gamma", ["zeros"])).toBeGreaterThan(3.8);
  });

  it("complements spare alpha-beta one convolution of five", () => {
    expect(passes("alpha-beta")).toBeLessThan(4.5);
    expect(passes("alpha-beta", ["complements"])).toBeGreaterThan(4.9);
  });
});

it("refuses a saving that there is not", () => {
  const without = ["everything"] as unknown as Economy[];
  expect(() => compile(source, { without })).toThrow(/without cannot be "everything"/u);
});
