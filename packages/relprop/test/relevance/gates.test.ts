/** Products of a signal and a gate (squeeze-and-excitation): docs/rules.md §3, `Mul` of two computed tensors. */

import { describe, expect, it } from "vitest";
import { compile, UnexplainableError, type CompileOptions } from "../../src/index.ts";
import { GraphBuilder, ints, string, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const shape = [2, 3, 4, 4];
const input = { data: randomNumbers(2 * 3 * 16, 3), dims: shape };
const target = { data: randomNumbers(2 * 3 * 16, 4), dims: shape };

function modelOf(make: (b: GraphBuilder, x: Value) => Value): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("input", "float32", ["N", 3, 4, 4])), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

async function relevanceOf(model: Model, options: CompileOptions): Promise<Float32Array> {
  const compiled = compile(model, { seed: "one", ...options });
  return (await runModel(compiled.model, { input, target }))["relevance"]!.data;
}

const total = (data: Float32Array): number => data.reduce((sum, n) => sum + n, 0);

/** x ⊙ σ(mean(x)), the gate through a layout change, on either side. */
const gated = (isFirst: boolean): Model =>
  modelOf((b, x) => {
    const squeezed = b.op("Sigmoid", [b.op("Squeeze", [b.op("GlobalAveragePool", [x]), b.integers([2, 3])])]);
    const gate = b.op("Unsqueeze", [squeezed, b.integers([2, 3])]);
    return b.op("Mul", isFirst ? [gate, x] : [x, gate], {}, "product");
  });

const mean = (b: GraphBuilder, x: Value): Value => b.op("GlobalAveragePool", [x]);
const open = (b: GraphBuilder, x: Value): Value => b.op("Sigmoid", [mean(b, x)]);
const times = (b: GraphBuilder, x: Value, factor: number): Value => b.op("Mul", [x, b.scalar(factor)]);
const plus = (b: GraphBuilder, x: Value, summand: number): Value => b.op("Add", [x, b.scalar(summand)]);

describe("a product of signal and gate", () => {
  it.each([true, false])("gives everything to the signal (gate first: %s)", async (isFirst) => {
    expect(await relevanceOf(gated(isFirst), { composite: "epsilon-plus" })).toEqual(target.data);
  });

  it.each<[string, (b: GraphBuilder, x: Value) => Value]>([
    ["1 − σ", (b, x) => b.op("Sub", [b.scalar(1), open(b, x)])],
    ["−σ + 1, by Neg", (b, x) => plus(b, b.op("Neg", [open(b, x)]), 1)],
    ["−σ + 1, by a product with −1", (b, x) => plus(b, times(b, open(b, x), -1), 1)],
    ["2·σ", (b, x) => times(b, open(b, x), 2)],
    ["σ/2", (b, x) => b.op("Div", [open(b, x), b.scalar(2)])],
    ["1 + σ", (b, x) => plus(b, open(b, x), 1)],
    [
      "σ with a factor for each channel",
      (b, x) => b.op("Mul", [open(b, x), b.numbers([0.5, 2, 3], [1, 3, 1, 1])]),
    ],
    [
      "σ ⊙ σ",
      (b, x) => b.op("Mul", [open(b, x), b.op("Sigmoid", [b.op("ReduceMax", [x], { axes: ints([1]) })])]),
    ],
    [
      "the mean of two",
      (b, x) => times(b, b.op("Add", [open(b, x), b.op("HardSigmoid", [mean(b, x)])]), 0.5),
    ],
    ["the larger of two", (b, x) => b.op("Max", [open(b, x), b.op("HardSigmoid", [mean(b, x)])])],
    ["a mean over channels", (b, x) => b.op("ReduceMean", [b.op("Sigmoid", [x])], { axes: ints([1]) })],
    [
      "one enlarged by linear interpolation",
      (b, x) => {
        const small = b.op("Sigmoid", [
          b.op("AveragePool", [x], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
        ]);
        const scales = b.numbers([1, 1, 2, 2]);
        return b.op("Resize", [small, undefined, scales], { mode: string("linear") });
      },
    ],
    [
      "a rounded one",
      (b, x) => {
        const step = [
          b.scalar(1 / 255),
          b.constant({ dataType: "uint8", dims: [], bytes: Uint8Array.of(0) }, "zero"),
        ] as const;
        return b.op("DequantizeLinear", [b.op("QuantizeLinear", [open(b, x), ...step]), ...step]);
      },
    ],
  ])("knows %s for a gate", async (_what, make) => {
    const model = modelOf((b, x) => b.op("Mul", [x, make(b, x)]));
    const relevance = await relevanceOf(model, { composite: "epsilon-plus" });
    expect(relativeDistance(relevance, target.data)).toBeLessThan(1e-6);
  });

  it.each<[string, (b: GraphBuilder, x: Value) => Value]>([
    ["2·σ − 1, which is a tanh", (b, x) => plus(b, times(b, open(b, x), 2), -1)],
    ["the difference of two", (b, x) => b.op("Sub", [open(b, x), b.op("HardSigmoid", [mean(b, x)])])],
    [
      "σ with factors of both signs",
      (b, x) => b.op("Mul", [open(b, x), b.numbers([0.5, -2, 3], [1, 3, 1, 1])]),
    ],
    ["a gate added to a signal", (b, x) => b.op("Add", [open(b, x), x])],
    ["ReLU6", (b, x) => b.op("Clip", [mean(b, x), b.scalar(0), b.scalar(6)])],
  ])("does not take %s for one", (_what, make) => {
    const model = modelOf((b, x) => b.op("Mul", [x, make(b, x)], {}, "product"));
    expect(() => compile(model, { composite: "epsilon-plus" })).toThrow(
      "none of its factors comes from a sigmoid",
    );
  });

  it("gives half to each factor by the rule uniform", async () => {
    const relevance = await relevanceOf(gated(false), {
      composite: "epsilon",
      rules: [{ pattern: "product", rule: "uniform" }],
    });
    // The gate's half reaches the input through its mean, so nothing is lost.
    expect(Math.abs(total(relevance) - total(target.data))).toBeLessThan(1e-3);
    expect(relativeDistance(relevance, target.data)).toBeGreaterThan(0.1);
  });

  it("says what to do where neither factor is a gate", () => {
    const model = modelOf((b, x) => b.op("Mul", [x, b.op("Tanh", [x])], {}, "product"));
    expect(() => compile(model)).toThrow(UnexplainableError);
    expect(() => compile(model)).toThrow("--rule 'product=uniform'");
    expect(compile(model, { rules: [{ pattern: "product", rule: "uniform" }] }).plan).toHaveLength(2);
  });
});
