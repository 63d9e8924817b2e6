/** Each saving of the compiler saves work and leaves relevance as it is. */

import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { optimizations, type Optimization } from "../../src/relevance/optimizations.ts";
import { float32Tensor, GraphBuilder, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { model, product } from "../support/random-net.ts";
import { countWork, type Work } from "../work/count-work.ts";

const size = 16;
const classes = 7;

/** Random weights with the size that keeps a layer's outputs as large as its inputs. */
function weightsFor(b: GraphBuilder): (...dims: number[]) => Value {
  let seed = 1;
  return (...dims) => {
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
}

/** Wide layers: what is left of a few inputs' sum has too few digits to be saved anything on. */
function wideNetwork(): Model {
  const b = new GraphBuilder();
  const weights = weightsFor(b);
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

const [tokens, heads, features] = [6, 2, 24];

/** A block of a transformer whose tokens see none after them: no value has a sign that is known, and a mask has −∞. */
function maskedAttention(): Model {
  const b = new GraphBuilder();
  const weights = weightsFor(b);
  const linear = (v: Value, inputs: number, outputs: number): Value =>
    b.op("Add", [b.op("MatMul", [v, weights(inputs, outputs)]), weights(outputs)]);
  const input = b.input("input", "float32", ["N", tokens, features]);
  const apart = b.op("Reshape", [
    linear(input, features, 3 * features),
    b.integers([0, tokens, 3, heads, features / heads]),
  ]);
  const stacked = b.op("Transpose", [apart], { perm: ints([2, 0, 3, 1, 4]) });
  const parts = b.ops("Split", [stacked], { axis: int(0) }, 3);
  const [q, k, v] = parts.map((part) => b.op("Squeeze", [part, b.integers([0])])) as [Value, Value, Value];
  const scores = b.op("MatMul", [q, b.op("Transpose", [k], { perm: ints([0, 1, 3, 2]) })]);
  const numbers = Array.from({ length: tokens ** 2 }, (_, i) =>
    i % tokens > Math.floor(i / tokens) ? -Infinity : 0,
  );
  const mask = b.constant(float32Tensor(numbers, [tokens, tokens]), "mask");
  const attention = b.op("Softmax", [b.op("Add", [scores, mask])], { axis: int(-1) });
  const mixed = b.op("Transpose", [b.op("MatMul", [attention, v])], { perm: ints([0, 2, 1, 3]) });
  const joined = b.op("Reshape", [mixed, b.integers([0, tokens, features])]);
  const first = b.op("Add", [input, linear(joined, features, features)]);
  const normal = b.op("LayerNormalization", [first, weights(features), weights(features)]);
  const second = b.op("Add", [first, linear(b.op("Tanh", [normal]), features, features)]);
  const pooled = b.op("ReduceMean", [second], { axes: ints([1]), keepdims: int(0) });
  b.output(b.op("Gemm", [pooled, weights(features, classes), weights(classes)]), "output");
  return model(b);
}

const networks = {
  wide: { source: wideNetwork(), shape: [2, 3, size, size] },
  attention: { source: maskedAttention(), shape: [2, tokens, features] },
};
const target = { data: Float32Array.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), dims: [2, classes] };

async function explained(
  { source, shape }: (typeof networks)[keyof typeof networks],
  options: CompileOptions,
): Promise<{ relevance: Float32Array; work: Work }> {
  const compiled = compile(source, { seed: "one", ...options });
  const feeds = { input: { data: randomNumbers(product(shape), 99), dims: shape }, target };
  const results = await runModel(compiled.model, feeds);
  const relevance = results["relevance"]!.data;
  expect(relevance.every(Number.isFinite) && relevance.some((n) => n !== 0)).toBe(true);
  return {
    relevance,
    work: countWork(compiled.model.graph, { input: shape, target: [2, classes] }),
  };
}

const box = { low: -1, high: 1 };
const explanations: [string, CompileOptions, (keyof typeof networks)?][] = [
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
  ["gamma, strides interpolated", { composite: "gamma", strides: "interpolate" }],
  ["attnlrp", { composite: "attnlrp" }, "attention"],
  ["attnlrp, filtered", { composite: "attnlrp", topK: 0.3 }, "attention"],
  ["attnlrp with the stabiliser norm", { composite: "attnlrp", stabilizer: "norm" }, "attention"],
  ["attnlrp without ε", { composite: "attnlrp", epsilon: 0 }, "attention"],
  ["cp-lrp", { composite: "cp-lrp" }, "attention"],
];

describe.each(explanations)("%s", (_title, options, name = "wide") => {
  it.each(optimizations)("is the same without %s", async (optimization) => {
    const saved = await explained(networks[name], options);
    const whole = await explained(networks[name], { ...options, without: [optimization] });
    expect(relativeDistance(saved.relevance, whole.relevance)).toBeLessThan(1e-5);
    expect(saved.work.macs).toBeLessThanOrEqual(whole.work.macs);
  });
});

describe("savings", () => {
  const work = (
    name: keyof typeof networks,
    composite: string,
    without: readonly Optimization[] = [],
  ): Work => {
    const { source, shape } = networks[name];
    const { graph } = compile(source, { seed: "one", composite, without }).model;
    return countWork(graph, { input: shape, target: [2, classes] });
  };
  const forward = countWork(networks.wide.source.graph, { input: networks.wide.shape }).macs;
  const passes = (composite: string, without: readonly Optimization[] = []): number =>
    work("wide", composite, without).macs / forward;

  it("zeros spare gamma the contributions against outputs that are not negative", () => {
    expect(passes("gamma")).toBeLessThan(3.6);
    expect(passes("gamma", ["zeros"])).toBeGreaterThan(3.8);
  });

  it("complements spare alpha-beta one convolution of five", () => {
    expect(passes("alpha-beta")).toBeLessThan(4.5);
    expect(passes("alpha-beta", ["complements"])).toBeGreaterThan(4.9);
  });

  it("factors spare attention its signs, and an element in eight", () => {
    const [saved, whole] = [work("attention", "attnlrp"), work("attention", "attnlrp", ["factors"])];
    expect(saved.elements).toBeLessThan(0.875 * whole.elements);
    expect(whole.operators["Clip"]).toBeGreaterThan(8);
    expect(saved.operators["Clip"]).toBeLessThan(4);
  });
});

it("refuses a saving that there is not", () => {
  const without = ["everything"] as unknown as Optimization[];
  expect(() => compile(networks.wide.source, { without })).toThrow(/without cannot be "everything"/u);
});
