import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, Explainer, InputError, OptionError, UnexplainableError, version } from "../src/index.ts";
import { float32Tensor, GraphBuilder, readModel, type Model, type Value } from "../src/onnx/index.ts";
import { randomNumbers, relativeDistance } from "./support/run.ts";

const bytes = readFileSync(new URL("./golden/convnet/model.onnx", import.meta.url));
const shape = [3, 32, 32];
const size = 3 * 32 * 32;
const batch = (samples: number): { data: Float32Array; dims: number[] } => ({
  data: randomNumbers(samples * size, 8),
  dims: [samples, ...shape],
});

function modelOf(make: (b: GraphBuilder, x: Value) => Value): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("input", "float32", ["N", 4])), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

describe("Explainer", () => {
  it("gives relevance, the model's outputs and the top classes of each sample", async () => {
    const explainer = new Explainer({
      ort,
      model: bytes,
      composite: "fischer",
      reduce: "channels",
      outputKind: "classes",
    });
    const { relevance, outputs, top } = await explainer.explain(batch(3));
    expect(relevance.dims).toEqual([3, 32, 32]);
    expect(Object.keys(outputs)).toEqual(["output"]);
    expect(outputs["output"]?.dims).toEqual([3, 5]);
    expect(top.map((ranked) => ranked.length)).toEqual([5, 5, 5]);
    for (const ranked of top) {
      const logits = ranked.map(({ logit = Number.NaN }) => logit);
      expect(logits).toEqual(logits.toSorted((a, c) => c - a));
      expect(ranked.reduce((sum, { probability = Number.NaN }) => sum + probability, 0)).toBeCloseTo(1, 5);
    }
    await explainer.dispose();
  });

  it("explains each sample's highest class where no target is given", async () => {
    const explainer = new Explainer({ ort, model: bytes, composite: "epsilon-plus" });
    const input = batch(2);
    const free = await explainer.explain(input);
    const given = await explainer.explain(input, { target: free.top.map(([best]) => best?.index ?? -1) });
    expect(free.relevance.data).toEqual(given.relevance.data);
    const compiledIn = new Explainer({ ort, model: bytes, composite: "epsilon-plus", target: "top1" });
    expect((await compiledIn.explain(input)).relevance.data).toEqual(given.relevance.data);
    await explainer.dispose();
    await compiledIn.dispose();
  });

  it("gives several maps in one run, and those of the best classes where no targets are given", async () => {
    const options = { ort, model: bytes, composite: "epsilon-plus", reduce: "channels" } as const;
    const [one, several, ranked] = [{}, { maps: 3 }, { maps: 3, target: "top1" as const }].map(
      (more) => new Explainer({ ...options, ...more }),
    ) as [Explainer, Explainer, Explainer];
    const input = batch(2);
    const { top } = await one.explain(input);
    const best = [0, 1, 2].map((rank) => top.map((of) => of[rank]?.index ?? -1));
    const runs = [];
    for (const classes of best) runs.push(await one.explain(input, { target: classes }));
    const expected = Float32Array.from(runs.flatMap(({ relevance }) => [...relevance.data]));
    const all = [
      await several.explain(input, { target: best.flat() }),
      await several.explain(input),
      await ranked.explain(input),
    ];
    for (const { relevance, start, target } of all) {
      expect(relevance.dims).toEqual([6, 32, 32]);
      expect(relativeDistance(relevance.data, expected)).toBeLessThan(1e-6);
      expect(start).toEqual(runs.flatMap((run) => run.start));
      expect(target?.dims).toEqual([6, 5]);
    }
    const same = await several.explain(input, { target: [4, 0, 1] });
    const zero = await one.explain(input, { target: 0 });
    expect(relativeDistance(same.relevance.data.slice(2048, 4096), zero.relevance.data)).toBeLessThan(1e-6);
    await expect(several.explain(input, { target: [1, 2] })).rejects.toThrow(
      "it names 2 classes for 6 samples",
    );
    for (const each of [one, several, ranked]) await each.dispose();
  });

  it("runs calls that overlap one after the other, and again after disposal", async () => {
    const explainer = new Explainer({ ort, model: bytes, composite: "fischer", topK: "input" });
    const inputs = [1, 2, 3].map(batch);
    const together = await Promise.all(inputs.map((input) => explainer.explain(input, { keep: 0.1 })));
    await explainer.dispose();
    const again = await explainer.explain(inputs[2]!, { keep: 0.1 });
    expect(again.relevance.data).toEqual(together[2]?.relevance.data);
    await explainer.dispose();
  });

  it("says what is wrong with an input, a target, a class", async () => {
    const explainer = new Explainer({ ort, model: bytes, composite: "epsilon" });
    await expect(explainer.explain({ data: new Float32Array(4), dims: [1, 4] })).rejects.toThrow(InputError);
    await expect(explainer.explain(batch(1), { target: 5 })).rejects.toThrow(
      "there is no class 5: the output has the classes 0 to 4",
    );
    await expect(explainer.explain(batch(2), { target: [1] })).rejects.toThrow(
      "it names 1 classes for 2 samples",
    );
    await expect(explainer.explain(batch(1), { target: new Float32Array(3) })).rejects.toThrow(OptionError);
    await explainer.dispose();
  });
});

/** Operators that an override reaches. */
const overridden = (pattern: string): string[] =>
  compile(readModel(bytes), { composite: "epsilon", rules: [{ pattern, rule: "gamma:0.5" }] })
    .plan.filter(({ rule }) => rule === "gamma(gamma=0.5)")
    .map(({ operator }) => operator);

describe("compile", () => {
  it("names every node that stands in the way, all at once, and the alternatives", () => {
    const model = modelOf((b, x) =>
      b.op("Round", [b.op("Relu", [b.op("Ceil", [x], {}, "first")])], {}, "second"),
    );
    expect(() => compile(model)).toThrow(UnexplainableError);
    try {
      compile(model);
    } catch (error) {
      const { obstacles, message } = error as UnexplainableError;
      expect(obstacles.map(({ node }) => node)).toEqual(["first", "second"]);
      expect(message).toContain("2 operators are in the way");
      expect(message).toContain("--fallback");
    }
    expect(compile(model, { fallback: "pass" }).plan.map(({ rule }) => rule)).toEqual([
      "pass",
      "pass",
      "pass",
    ]);
  });

  it("explains a model that ends in softmax at the tensor before it", async () => {
    const W = float32Tensor(randomNumbers(12, 3), [4, 3]);
    const logits = modelOf((b, x) => b.op("MatMul", [x, b.constant(W, "W")]));
    const softmax = modelOf((b, x) => b.op("Softmax", [b.op("MatMul", [x, b.constant(W, "W")])], {}));
    const input = { data: randomNumbers(8, 5), dims: [2, 4] };
    const results = await Promise.all(
      [logits, softmax].map(async (model) => {
        const explainer = new Explainer({ ort, model, composite: "epsilon" });
        const result = await explainer.explain(input, { target: 1 });
        await explainer.dispose();
        return result;
      }),
    );
    expect(relativeDistance(results[1]!.relevance.data, results[0]!.relevance.data)).toBe(0);
    // A list without a final softmax, and without names of classes, is of no known meaning.
    expect(results[0]!.top[0]!.map((each) => Object.keys(each))).toEqual(
      Array.from({ length: 3 }, () => ["index", "value"]),
    );
    for (const [sample, ranked] of results[1]!.top.entries()) {
      expect(ranked.map(({ index }) => index)).toEqual(results[0]!.top[sample]!.map(({ index }) => index));
      expect(ranked.map(({ logit }) => logit)).toEqual(results[0]!.top[sample]!.map(({ value }) => value));
      expect(ranked.map(({ value }) => value)).toEqual(ranked.map(({ probability }) => probability));
    }
  });

  it("refuses a graph that is an explanation already, and says so", () => {
    const compiled = compile(readModel(bytes), { composite: "epsilon-plus", sourceSha256: "ab" });
    expect(compiled.model.metadata["relprop.composite"]).toBe("epsilon-plus");
    expect(compiled.model.metadata["relprop.source-sha256"]).toBe("ab");
    expect(() => compile(compiled.model)).toThrow(
      "it is a compiled explanation already (composite epsilon-plus)",
    );
  });

  it("holds an override that matches nothing for a typing error", () => {
    const rules = [{ pattern: "conv99", rule: "flat" }];
    expect(() => compile(readModel(bytes), { rules })).toThrow('the rule for "conv99" is used nowhere');
  });

  it("overrides by operator, layer kind and position", () => {
    expect(overridden("first")).toEqual(["Conv"]);
    expect(overridden("#2")).toEqual(["Conv"]);
    expect(new Set(overridden("Conv"))).toEqual(new Set(["Conv"]));
    expect(overridden("dense").every((operator) => operator === "Gemm")).toBe(true);
  });
});

it("the version in written models is the package's", () => {
  const { version: published } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as { version: string };
  expect(version).toBe(published);
});
