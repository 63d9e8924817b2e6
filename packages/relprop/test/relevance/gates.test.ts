/** Products of a signal and a gate (squeeze-and-excitation): rules.md §3, `Mul` of two computed tensors. */

import { describe, expect, it } from "vitest";
import { compile, UnexplainableError, type CompileOptions } from "../../src/index.ts";
import { GraphBuilder, type Model, type Value } from "../../src/onnx/index.ts";
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

describe("a product of signal and gate", () => {
  it.each([true, false])("gives everything to the signal (gate first: %s)", async (isFirst) => {
    expect(await relevanceOf(gated(isFirst), { composite: "epsilon-plus" })).toEqual(target.data);
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
