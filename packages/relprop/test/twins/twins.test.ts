/** Same network, same relevance: what a file stores its numbers in changes neither the plan nor, but for rounding, the relevance. */

import { describe, expect, it } from "vitest";
import { type CompileOptions, compile } from "../../src/index.ts";
import type { Graph } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { type Array32, randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { networks } from "./networks.ts";
import { inHalf, inQdq, modelOf } from "./twins.ts";

const composites = ["attnlrp", "epsilon-plus", "gradient"] as const;

/** Of two bits before and five behind the point, as bfloat16 can hold it. */
function inputOf({ inputs: [x] }: Graph): Array32 {
  const dims = x?.shape as number[];
  return { dims, data: randomNumbers(sizeOf(dims), 7).map((number) => Math.round(number * 64) / 32) };
}

const planOf = (graph: Graph, options: CompileOptions): string[] =>
  compile(modelOf(graph), options)
    .plan.filter(({ operator }) => operator !== "FakeQuantize")
    .map(({ node, operator, rule, why }) => `${operator} "${node}": ${rule} (${why})`);

async function relevanceOf(graph: Graph, options: CompileOptions): Promise<Float32Array> {
  const { model } = compile(modelOf(graph), { ...options, target: "input" });
  const x = inputOf(graph);
  const [y] = graph.outputs;
  const dims = y?.shape as number[];
  const data = Float32Array.from({ length: sizeOf(dims) }, (_, i) => Number(i % 5 === 2));
  return (await runModel(model, { x, target: { data, dims } }))["relevance"]?.data as Float32Array;
}

/** Σ|a − b| / Σ|b| */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = b.reduce((sum, wanted, i) => sum + Math.abs((a[i] as number) - wanted), 0);
  return difference / b.reduce((sum, wanted) => sum + Math.abs(wanted), 0);
}

describe.each(networks)("%s", (_name, operators, graph) => {
  it("has what makes it", () => {
    const found = compile(modelOf(graph), { composite: "attnlrp" }).plan.map(({ operator }) => operator);
    expect(found).toEqual(expect.arrayContaining([...operators]));
  });

  it.each(["float16", "bfloat16"] as const)("has the same plan and relevance in %s", async (type) => {
    const half = inHalf(graph, type);
    for (const composite of composites) {
      expect(planOf(half, { composite }), composite).toEqual(planOf(graph, { composite }));
      const [found, wanted] = [
        await relevanceOf(half, { composite }),
        await relevanceOf(graph, { composite }),
      ];
      // Constants such as √2 are rounded to 11 or 8 bits.
      expect(relativeDistance(found, wanted), composite).toBeLessThan(type === "float16" ? 2e-3 : 2e-2);
    }
  });

  it.each(["shared", "dedicated"] as const)("has the same plan in QDQ form with %s pairs", async (pairs) => {
    const quantized = await inQdq(graph, inputOf(graph), pairs);
    for (const composite of composites)
      expect(planOf(quantized, { composite }), composite).toEqual(planOf(graph, { composite }));
  });

  it("has the same relevance in QDQ form", async () => {
    const quantized = await inQdq(graph, inputOf(graph), "shared");
    for (const composite of ["attnlrp", "epsilon-plus"] as const) {
      // By z⁺, whose denominators are sums of what has one sign: ε divides by differences that uint8 rounds to nothing.
      const options: CompileOptions = { composite, rules: [{ pattern: "dense", rule: "zplus" }] };
      const [found, wanted] = [await relevanceOf(quantized, options), await relevanceOf(graph, options)];
      // Ten roundings to 255 steps.
      expect(distance(found, wanted), composite).toBeLessThan(0.05);
    }
  });
});
