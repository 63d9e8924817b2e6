/** Models as users bring them, each with what is right: see cases/README.md. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  compile,
  compileMethod,
  Explainer,
  parseTarget,
  regionsOf,
  regionTarget,
  type CompileOptions,
} from "../../src/index.ts";
import { readNpy } from "../../src/heatmap/index.ts";
import { readModel, type Model } from "../../src/onnx/index.ts";
import { relativeDistance, type Array32 } from "../support/run.ts";
import { sum } from "../support/random-net.ts";

const folder = new URL("../cases/", import.meta.url);
const modelIn = (name: string): Model => readModel(readFileSync(new URL(`${name}/model.onnx`, folder)));
const arrayIn = (name: string): Array32 => {
  const { data, dims } = readNpy(readFileSync(new URL(`${name}.npy`, folder)));
  return { data, dims: dims as number[] };
};
async function explained(
  name: string,
  options: CompileOptions,
  ...[input, run]: Parameters<Explainer["explain"]>
): Promise<{ explainer: Explainer; explanation: Awaited<ReturnType<Explainer["explain"]>> }> {
  const explainer = new Explainer({ ort, model: modelIn(name), ...options });
  const explanation = await explainer.explain(input, run);
  await explainer.dispose();
  return { explainer, explanation };
}

describe("outputs", () => {
  const signed = { composite: "epsilon", epsilon: 0, seed: "logit" } as const;
  const point = arrayIn("outputs/sigmoid-hidden-sign/input");

  it("σ(−x₁ + x₂) at (2, 1): its logit −1 is −2 + 1", async () => {
    const { explanation } = await explained("outputs/sigmoid-hidden-sign", signed, point);
    expect(Array.from(explanation.relevance.data)).toEqual([-2, 1]);
    expect(explanation.start).toEqual([-1]);
    const [best] = explanation.top[0] ?? [];
    expect(best?.logit).toBe(-1);
    expect(best?.probability).toBeCloseTo(1 / (1 + Math.E), 6);
  });

  it("the output as it is, by name, has the signs turned round", async () => {
    const { explanation } = await explained(
      "outputs/sigmoid-hidden-sign",
      { ...signed, start: "output" },
      point,
    );
    const [first, second] = explanation.relevance.data;
    expect(first).toBeCloseTo(0.538, 3);
    expect(second).toBeCloseTo(-0.269, 3);
  });

  it("a regression is its value, and the ledger accounts for it", async () => {
    const options = { composite: "epsilon-plus", ledger: true } as const;
    const { explainer, explanation } = await explained(
      "outputs/regression",
      options,
      arrayIn("outputs/regression/input"),
    );
    expect(explainer.compiled.facts.kind).toBe("values");
    const value = explanation.outputs["output"]!.data[0]!;
    expect(explanation.top).toEqual([[{ index: 0, value }]]);
    expect(explanation.start).toEqual([value]);
    const [ledger] = explanation.ledgers!;
    expect(ledger!.start).toBeCloseTo(value, 6);
    const accounted = ledger!.reached + sum(Object.values(ledger!.stayed));
    expect(Math.abs(accounted - value)).toBeLessThan(1e-5 * value);
    expect(sum(explanation.relevance.data)).toBeCloseTo(ledger!.reached, 5);
  });

  it("a detector has no default, and its scores are explained from their own logits", async () => {
    const input = arrayIn("outputs/detector/input");
    await expect(explained("outputs/detector", { composite: "epsilon" }, input)).rejects.toThrow(
      "it is read as detections",
    );
    const options = { composite: "epsilon", seed: "logit" } as const;
    const { output, facts } = compile(modelIn("outputs/detector"), options);
    const dims = output.shape as number[];
    const target = regionTarget(dims, regionsOf(parseTarget("0,6,27"), dims, facts));
    const { explanation } = await explained("outputs/detector", options, input, { target });
    const referee = arrayIn("outputs/detector/relevance");
    expect(relativeDistance(explanation.relevance.data, referee.data)).toBeLessThan(1e-6);
    expect(explanation.start[0]).toBeCloseTo(-0.25683502, 6);
    // Compiled in, the same.
    const fixed = await explained("outputs/detector", { ...options, target: "0,6,27" }, input);
    expect(relativeDistance(fixed.explanation.relevance.data, referee.data)).toBeLessThan(1e-6);
  });

  it("methods, too, start at the logit", async () => {
    const model = modelIn("outputs/sigmoid-hidden-sign");
    const compiled = compileMethod(model, { method: "input-x-gradient" });
    expect(compiled.output.name).not.toBe(compiled.outputName);
    const explainer = new Explainer({ ort, model, method: "input-x-gradient" });
    const { relevance } = await explainer.explain(point);
    expect(Array.from(relevance.data)).toEqual([-2, 1]);
    await explainer.dispose();
  });
});

describe("inputs", () => {
  it("picture and table are explained in one pass, with one ledger over both", async () => {
    const options = { composite: "epsilon-plus", ledger: true } as const;
    const { explainer, explanation } = await explained(
      "inputs/image-and-table",
      options,
      arrayIn("inputs/image-and-table/input"),
      { others: { clinical: arrayIn("inputs/image-and-table/clinical") } },
    );
    expect(explainer.compiled.inputs.map(({ relevance }) => relevance)).toEqual([
      "relevance",
      "relevance.clinical",
    ]);
    // zennit, float64
    expect(sum(explanation.relevances["image"]!.data)).toBeCloseTo(-0.06600568, 6);
    expect(sum(explanation.relevances["clinical"]!.data)).toBeCloseTo(-0.0074617, 6);
    const [ledger] = explanation.ledgers!;
    expect(ledger!.reached).toBeCloseTo(-0.06600568 - 0.0074617, 5);
    const accounted = ledger!.reached + sum(Object.values(ledger!.stayed));
    expect(Math.abs(accounted - explanation.start[0]!)).toBeLessThan(1e-5 * Math.abs(ledger!.start));
  });

  it("names an input that is missing before anything runs", async () => {
    await expect(
      explained(
        "inputs/image-and-table",
        { composite: "epsilon-plus" },
        arrayIn("inputs/image-and-table/input"),
      ),
    ).rejects.toThrow('it has further inputs that were not given: "clinical" float32 [1, 5]');
  });

  it.each([
    ["epsilon", -0.10689202],
    ["epsilon-plus", -0.10937202],
  ] as const)("a signal is explained with %s", async (composite, referee) => {
    const input = arrayIn("inputs/signal/input");
    const { explanation } = await explained("inputs/signal", { composite, seed: "logit" }, input, {
      target: 1,
    });
    // zennit, float64
    expect(sum(explanation.relevance.data)).toBeCloseTo(referee, 6);
    expect(explanation.relevance.dims).toEqual([1, 8, 128]);
  });
});

describe("ledger", () => {
  const attention = { composite: "attnlrp", seed: "logit", ledger: true } as const;

  it("keeps samples apart where attention works on [T, N, C]", async () => {
    const both = arrayIn("ledger/batch-in-attention/input");
    const { explanation } = await explained("ledger/batch-in-attention", attention, both, { target: 1 });
    const [first, second] = explanation.ledgers!;
    expect(first!.stayed.bias).toBeCloseTo(-0.264598, 6);
    expect(second!.stayed.bias).toBeCloseTo(-0.013547, 6);
    for (const [sample, ledger] of [first!, second!].entries()) {
      expect(Math.abs(ledger.stayed.rest)).toBeLessThan(1e-6);
      const size = both.data.length / 2;
      const alone = {
        data: both.data.slice(sample * size, (sample + 1) * size),
        dims: [1, ...both.dims.slice(1)],
      };
      const one = await explained("ledger/batch-in-attention", attention, alone, { target: 1 });
      expect(one.explanation.ledgers![0]!.stayed.bias).toBeCloseTo(ledger.stayed.bias, 6);
    }
  });

  it("has one row for a graph, which has no batch", async () => {
    const nodes = arrayIn("ledger/graph-nodes/x");
    const edges = arrayIn("ledger/graph-nodes/edge_index");
    const target = { data: new Float32Array(18).fill(0, 0, 18).fill(1, 4, 5), dims: [6, 3] };
    const { explainer, explanation } = await explained(
      "ledger/graph-nodes",
      { composite: "epsilon", seed: "logit", ledger: true },
      nodes,
      { target, others: { edge_index: edges } },
    );
    expect(explainer.compiled.facts.kind).toBe("nodes");
    expect(explainer.compiled.batchAxis).toBeUndefined();
    expect(explanation.ledgers).toHaveLength(1);
    const [{ start, reached, stayed }] = explanation.ledgers as [NonNullable<typeof explanation.ledgers>[0]];
    expect(start).toBeCloseTo(explanation.explained.data[4]!, 6);
    expect(Math.abs(start - reached - sum(Object.values(stayed)))).toBeLessThan(1e-6);
    expect(Math.abs(stayed.rest)).toBeLessThan(1e-6);
  });
});
