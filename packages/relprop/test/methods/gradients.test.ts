/** input × gradient, integrated gradients and SmoothGrad, against completeness, central differences, LRP-0 and arithmetic in plain TypeScript. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, compileMethod, Explainer, OptionError, type MethodOptions } from "../../src/index.ts";
import { printGraph, type Model } from "../../src/onnx/index.ts";
import { relativeDistance, randomNumbers } from "../support/run.ts";
import {
  classes,
  convnet,
  explained,
  image,
  images,
  modelOf,
  oneHot,
  pixels,
  sampleOf,
  session,
  sum,
  target,
  weights,
} from "./nets.ts";

const smooth = convnet("Tanh", true);

const compilingWith =
  (method: "integrated-gradients" | "smoothgrad") =>
  (options: object): (() => unknown) =>
  () =>
    compileMethod(smooth, { method, ...options });

/** A model with a SiLU and a MatMul + Add to recognise, a second input and a final Softmax. */
const gated = (spatial: readonly [number | string, number | string]): Model =>
  modelOf(
    (b, x) => {
      const scale = b.input("scale", "float32", ["N", 1]);
      const conv = b.op("Conv", [x, weights(b, [4, 3, 3, 3], 1, 0.4)], {});
      const silu = b.op("Mul", [conv, b.op("Sigmoid", [conv])]);
      const flat = b.op("Flatten", [b.op("GlobalAveragePool", [silu])]);
      const dense = b.op("Add", [b.op("MatMul", [flat, weights(b, [4, classes], 2)]), weights(b, [4], 3)]);
      return b.op("Softmax", [b.op("Mul", [dense, scale])], {});
    },
    ["N", 3, ...spatial],
  );

describe("input-x-gradient", () => {
  it("is the input times the gradient", async () => {
    const { relevance } = await explained(smooth, { method: "input-x-gradient" });
    const open = await session(compile(smooth, { composite: "gradient" }).model);
    const gradient = (await open.run({ input: images(2), target }))["relevance"]!;
    const product = gradient.data.map((n, i) => n * (images(2).data[i] as number));
    expect(relativeDistance(relevance!.data, product)).toBe(0);
    await open.release();
  });

  it("is LRP with ε = 0 on a ReLU network without biases", async () => {
    const net = convnet("Relu", false);
    const { relevance } = await explained(net, { method: "input-x-gradient" });
    // Averages are shared with a stabiliser of their own, which `epsilon` does not set.
    const rules = [{ pattern: "average", rule: "norm:0" }];
    const lrp = await session(compile(net, { composite: "epsilon", epsilon: 0, seed: "logit", rules }).model);
    const other = (await lrp.run({ input: images(2), target }))["relevance"]!;
    expect(relativeDistance(relevance!.data, other.data)).toBeLessThan(1e-5);
    await lrp.release();
  });

  it("sums the channels, and explains the highest class without a target", async () => {
    const { relevance } = await explained(smooth, { method: "input-x-gradient" });
    const compiled = compileMethod(smooth, {
      method: "input-x-gradient",
      reduce: "channels",
      target: "top1",
    });
    expect(compiled.added).toEqual([]);
    const open = await session(compiled.model);
    const { relevance: reduced, output } = await open.run({ input: images(2) });
    expect(reduced!.dims).toEqual([2, 8, 6]);
    const best = [0, 1].map((sample) => {
      const row = sampleOf(output!, sample);
      return row.indexOf(Math.max(...row));
    });
    const given = await explained(
      smooth,
      { method: "input-x-gradient", reduce: "channels" },
      {
        target: oneHot(best),
      },
    );
    expect(given["relevance"]!.data).toEqual(reduced!.data);
    expect(relevance!.dims).toEqual([2, ...image]);
    await open.release();
  });
});

describe("integrated gradients", () => {
  const channelMeans = [0.3, -0.2, 0.5];
  const start = images(2, 99);
  const baselines = [
    { title: "zero", options: {}, baseline: images(2).data.map(() => 0), feeds: {} },
    { title: "a number", options: { baseline: 0.4 }, baseline: images(2).data.map(() => 0.4), feeds: {} },
    {
      title: "one number for each channel",
      options: { baseline: channelMeans },
      baseline: images(2).data.map((_, i) => channelMeans[Math.floor(i / 48) % 3] as number),
      feeds: {},
    },
    {
      title: "a graph input",
      options: { baseline: "input" as const },
      baseline: start.data,
      feeds: { baseline: start },
    },
  ];

  it.each(baselines)("sums up to f(x) − f(x₀), baseline $title", async ({ options, baseline, feeds }) => {
    const forward = await session(smooth);
    const [y, y0] = await Promise.all(
      [images(2).data, baseline].map(
        async (data) => (await forward.run({ input: { data, dims: [2, ...image] } }))["output"]!,
      ),
    );
    const difference = [0, 1].map((sample) => {
      const at = sample * classes + (sample === 0 ? 2 : 0);
      return (y!.data[at] as number) - (y0!.data[at] as number);
    });
    const errors: number[] = [];
    for (const steps of [1, 4, 64]) {
      const results = await explained(
        smooth,
        { method: "integrated-gradients", steps, ...options },
        { ...feeds },
      );
      // The model's own outputs are those of x, to the bit.
      expect(results["output"]).toEqual(y);
      const sums = [0, 1].map((sample) => sum(sampleOf(results["relevance"]!, sample)));
      errors.push(Math.max(...sums.map((total, i) => Math.abs(total / (difference[i] as number) - 1))));
    }
    expect(errors[1]).toBeLessThan(errors[0] as number);
    expect(errors[2]).toBeLessThan(errors[1] as number);
    expect(errors[2]).toBeLessThan(0.01);
    await forward.release();
  });

  it("is the mean of gradients at the midpoints, times the way from the baseline", async () => {
    const steps = 3;
    const { relevance } = await explained(smooth, { method: "integrated-gradients", steps, baseline: 0.25 });
    const open = await session(compile(smooth, { composite: "gradient" }).model);
    const x = images(2);
    const expected = new Float64Array(x.data.length);
    for (let k = 0; k < steps; k++) {
      const alpha = (k + 0.5) / steps;
      const data = x.data.map((n) => 0.25 + alpha * (n - 0.25));
      const gradient = (await open.run({ input: { data, dims: x.dims }, target }))["relevance"]!;
      for (const [i, n] of x.data.entries())
        expected[i] = (expected[i] as number) + ((n - 0.25) * (gradient.data[i] as number)) / steps;
    }
    expect(relativeDistance(relevance!.data, expected)).toBeLessThan(1e-5);
    await open.release();
  });

  it("works where batch and image size are open, on a model with recognised patterns and another input", async () => {
    const feeds = { scale: { data: Float32Array.of(0.5, 2), dims: [2, 1] } };
    const options = { method: "integrated-gradients", steps: 8 } as const;
    const open = await explained(gated(["H", "W"]), options, feeds);
    const fixed = await explained(gated([8, 6]), options, feeds);
    expect(relativeDistance(open["relevance"]!.data, fixed["relevance"]!.data)).toBeLessThan(1e-6);
    const alone = await session(compileMethod(gated(["H", "W"]), options).model);
    const second = await alone.run({
      input: { data: sampleOf(images(2), 1), dims: [1, ...image] },
      scale: { data: Float32Array.of(2), dims: [1, 1] },
      target: oneHot([0]),
    });
    expect(relativeDistance(second["relevance"]!.data, sampleOf(open["relevance"]!, 1))).toBeLessThan(1e-5);
    await alone.release();
  });

  it("adds no second copy of any weight", () => {
    const plain = compile(smooth, { composite: "gradient" }).model.graph.initializers;
    const { initializers } = compileMethod(smooth, { method: "integrated-gradients" }).model.graph;
    const sizeOf = (tensors: typeof plain): number =>
      sum([...tensors.values()].filter(({ bytes }) => bytes.length > 200).map(({ bytes }) => bytes.length));
    expect(sizeOf(initializers)).toBe(sizeOf(plain));
  });

  it("refuses a fixed batch, and a Reshape that fixes it inside", () => {
    const method = "integrated-gradients";
    const compiling = (model: Model) => () => compileMethod(model, { method });
    expect(compiling(convnet("Tanh", true, [1, ...image]))).toThrow(OptionError);
    expect(compiling(convnet("Tanh", true, [1, ...image]))).toThrow("its batch is fixed at 1");
    const inside = modelOf((b, x) =>
      b.op("MatMul", [b.op("Reshape", [x, b.integers([1, pixels])]), weights(b, [pixels, classes], 2)]),
    );
    expect(compiling(inside)).toThrow("export the model with a dynamic batch axis");
  });

  it("refuses baselines, steps and options that are none", () => {
    const compiling = compilingWith("integrated-gradients");
    expect(compiling({ baseline: [1, 2] })).toThrow("has 3 channels");
    expect(compiling({ baseline: "black" })).toThrow('the baseline cannot be "black"');
    expect(compiling({ steps: 0 })).toThrow("steps cannot be 0");
    expect(compiling({ step: 8 })).toThrow('integrated-gradients has no option "step"');
    expect(compiling({ composite: "epsilon" })).toThrow('has no option "composite"');
    expect(() => compileMethod(smooth, { method: "shap" } as unknown as MethodOptions)).toThrow(
      'there is no method "shap"',
    );
    const named = convnet("Tanh", true);
    const taken = JSON.parse(JSON.stringify(named.graph.nodes).replaceAll('"act1"', '"baseline"'));
    const model: Model = { ...named, graph: { ...named.graph, nodes: taken } };
    expect(() => compileMethod(model, { method: "integrated-gradients", baseline: "input" })).toThrow(
      'cannot add the input "baseline"',
    );
  });
});

describe("smoothgrad", () => {
  it("is the mean gradient over noisy copies, noise in proportion to each sample's range", async () => {
    const samples = 3;
    const noise = { data: randomNumbers(samples * pixels, 5), dims: [samples, ...image] };
    const options = { method: "smoothgrad", samples, level: 0.2 } as const;
    const { relevance, output } = await explained(smooth, options, { noise });
    const open = await session(compile(smooth, { composite: "gradient" }).model);
    const x = images(2);
    const expected = new Float64Array(x.data.length);
    const ranges = [0, 1].map((sample) => {
      const row = sampleOf(x, sample);
      return Math.max(...row) - Math.min(...row);
    });
    for (let copy = 0; copy < samples; copy++) {
      const data = x.data.map((n, i) => {
        const range = ranges[Math.floor(i / pixels)] as number;
        return n + 0.2 * range * (noise.data[copy * pixels + (i % pixels)] as number);
      });
      const gradient = (await open.run({ input: { data, dims: x.dims }, target }))["relevance"]!;
      for (const [i, n] of gradient.data.entries()) expected[i] = (expected[i] as number) + n / samples;
    }
    expect(relativeDistance(relevance!.data, expected)).toBeLessThan(1e-5);
    expect(output).toEqual((await open.run({ input: x, target }))["output"]);
    await open.release();
  });

  it("gets the same noise from the same seed, other noise from another, and is the gradient without noise", async () => {
    const explainer = new Explainer({ ort, model: smooth, method: "smoothgrad", samples: 5 });
    const relevanceOf = async (noiseSeed?: number): Promise<Float32Array> => {
      const run = { target: 1, ...(noiseSeed === undefined ? {} : { noiseSeed }) };
      return (await explainer.explain(images(2), run)).relevance.data;
    };
    const first = await relevanceOf();
    expect(await relevanceOf(1)).toEqual(first);
    expect(relativeDistance(await relevanceOf(2), first)).toBeGreaterThan(1e-3);
    await explainer.dispose();
    const quiet = new Explainer({ ort, model: smooth, method: "smoothgrad", samples: 2, level: 0 });
    const plain = new Explainer({ ort, model: smooth, composite: "gradient" });
    const [a, c] = [quiet, plain].map(
      async (each) => (await each.explain(images(2), { target: 1 })).relevance.data,
    );
    expect(relativeDistance(await a!, await c!)).toBeLessThan(1e-6);
    await quiet.dispose();
    await plain.dispose();
  });

  it("refuses a level or a count that is none", () => {
    const compiling = compilingWith("smoothgrad");
    expect(compiling({ level: -1 })).toThrow("the noise level cannot be -1");
    expect(compiling({ samples: 1.5 })).toThrow("samples cannot be 1.5");
  });
});

it("prints as ordinary ONNX: the path, one copy of the model, the mean", () => {
  const tiny = modelOf(
    (b, x) => b.op("Tanh", [b.op("MatMul", [x, weights(b, [2, 2], 1)], {}, "dense")], {}, "act"),
    ["N", 2],
  );
  expect(printGraph(compileMethod(tiny, { method: "integrated-gradients", steps: 2 }).model.graph))
    .toMatchInlineSnapshot(`
      "input input: float32[N, 2]
      input target: float32[N, 2]
      output output: float32[N, 2]
      output relevance: float32[N, 2]
      constant weights1: float32[2, 2]
      constant value_1: float32[]
      constant numbers: float32[2, 1, 1]
      constant integers: int64[2]
      constant integers_2: int64[1]
      constant integers_3: int64[3]
      constant integers_4: int64[3]
      dense = relprop.Linear(input, weights1, _)
        | dense = MatMul(input, weights1)
      output = Tanh(dense)
      lrp/integrated-gradients/multiply = Mul(input, numbers)
      lrp/integrated-gradients/reshape = Reshape(lrp/integrated-gradients/multiply, integers)
      lrp/integrated-gradients/unsqueeze = Unsqueeze(target, integers_2)
      lrp/integrated-gradients/expand = Expand(lrp/integrated-gradients/unsqueeze, integers_3)
      lrp/integrated-gradients/reshape_2 = Reshape(lrp/integrated-gradients/expand, integers)
      lrp/copy/dense = relprop.Linear(lrp/integrated-gradients/reshape, weights1, _)
        | lrp/copy/dense = MatMul(lrp/integrated-gradients/reshape, weights1)
      lrp/copy/output = Tanh(lrp/copy/dense)
      lrp/copy/lrp/act/transpose/multiply = Mul(lrp/copy/output, lrp/copy/output)
      lrp/copy/lrp/act/transpose/subtract = Sub(value_1, lrp/copy/lrp/act/transpose/multiply)
      lrp/copy/lrp/act/transpose/multiply_2 = Mul(lrp/integrated-gradients/reshape_2, lrp/copy/lrp/act/transpose/subtract)
      lrp/copy/lrp/dense/transpose/gemm = Gemm<transB=1>(lrp/copy/lrp/act/transpose/multiply_2, weights1)
      lrp/integrated-gradients/reshape_3 = Reshape(lrp/copy/lrp/dense/transpose/gemm, integers_4)
      lrp/integrated-gradients/reduce-mean = ReduceMean<axes=[0], keepdims=0>(lrp/integrated-gradients/reshape_3)
      lrp/integrated-gradients/multiply_2 = Mul(lrp/integrated-gradients/reduce-mean, input)
      relevance = Identity(lrp/integrated-gradients/multiply_2)"
    `);
});
