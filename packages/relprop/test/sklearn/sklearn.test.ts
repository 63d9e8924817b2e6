/** Models of scikit-learn as skl2onnx writes them: their answers, what is explained, and x · dz/dx against scikit-learn's own (make.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, readLedger, UnexplainableError } from "../../src/index.ts";
import { compileMethod } from "../../src/methods/index.ts";
import { metadataLabels } from "../../src/internal/index.ts";
import { readModel, type Model } from "../../src/onnx/index.ts";
import { relativeDistance, runModel, type Array32 } from "../support/run.ts";

interface Expected {
  readonly x: readonly (readonly number[])[];
  readonly logits: readonly (readonly number[])[];
  readonly probabilities: readonly (readonly number[])[] | null;
  readonly best: readonly number[];
  readonly inputXGradient: readonly (readonly number[])[];
}

const at = (file: string): URL => new URL(file, import.meta.url);
const expected = JSON.parse(readFileSync(at("expected.json"), "utf8")) as Record<string, Expected>;
const load = (name: string): Model => readModel(readFileSync(at(`${name}.onnx`)), { file: `${name}.onnx` });

const array = (rows: readonly (readonly number[])[]): Array32 => ({
  data: Float32Array.from(rows.flat()),
  dims: [rows.length, rows[0]!.length],
});

/** 1 for the best class of each sample. */
const bestOf = ({ logits, best }: Expected): Array32 =>
  array(logits.map((row, sample) => row.map((_, index) => (index === best[sample] ? 1 : 0))));

describe("scikit-learn", () => {
  it.each(Object.entries(expected))("%s: x · dz/dx of the best class", async (name, is) => {
    const compiled = compileMethod(load(name), { method: "input-x-gradient", target: "input" });
    const { model, outputName } = compiled;
    const feeds = { [compiled.input.name]: array(is.x), target: bestOf(is) };
    const results = await runModel(model, feeds);
    if (is.probabilities)
      expect(relativeDistance(results[outputName]!.data, is.probabilities.flat())).toBeLessThan(1e-5);
    expect(relativeDistance(results["relevance"]!.data, is.inputXGradient.flat())).toBeLessThan(2e-5);
  });

  it.each(Object.entries(expected))(
    "%s: relevance and what stays on the way sum to the logit",
    async (name, is) => {
      const compiled = compile(load(name), { composite: "epsilon-plus", target: "input", ledger: true });
      const results = await runModel(compiled.model, {
        [compiled.input.name]: array(is.x),
        target: bestOf(is),
      });
      const ledgers = readLedger(compiled.ledger!, results["ledger"]!);
      const width = is.x[0]!.length;
      for (const [sample, { start, reached, stayed }] of ledgers.entries()) {
        const logit = is.logits[sample]![is.best[sample]!]!;
        const relevance = results["relevance"]!.data.slice(sample * width, (sample + 1) * width);
        const kept = Object.values(stayed).reduce((a, n) => a + n, 0);
        const size = Math.max(Math.abs(logit), Math.abs(reached));
        expect(Math.abs(start - logit)).toBeLessThan(1e-4 * size);
        expect(Math.abs(relevance.reduce((a, n) => a + n, 0) - reached)).toBeLessThan(1e-4 * size);
        expect(Math.abs(reached + kept - start)).toBeLessThan(1e-4 * size);
      }
    },
  );

  it.each([
    ["logistic", "classes", []],
    ["logistic-dictionary", "classes", []],
    ["softmax-names", "classes", ["setosa", "versicolor", "virginica"]],
    ["one-vs-rest", "classes", []],
    ["named-network", "classes", ["setosa", "versicolor", "virginica"]],
    ["components", "classes", ["1", "2", "3"]],
    ["ridge", "values", []],
    ["two-values", "scores", []],
    ["poisson", "values", []],
  ])("%s: the output is read as %s, with its names", (name, kind, labels) => {
    const model = load(name);
    const { facts } = compile(model, { target: "input" });
    expect(facts.kind).toBe(kind);
    expect(facts.batchAxis).toBe(0);
    expect(metadataLabels(model)).toEqual(labels);
  });

  it.each([
    ["logistic", { kind: "probability", by: "sigmoid" }],
    ["softmax-names", { kind: "probability", by: "softmax" }],
    ["one-vs-rest", { kind: "probability", by: "softmax" }],
  ])("%s: its numbers are probabilities", (name, scale) => {
    expect(compile(load(name), { target: "input" }).facts.scale).toEqual(scale);
  });

  it.each([
    ["forest", "trees have no relevance propagation"],
    ["radial-svr", "another kernel than the linear one"],
    ["fitted-svc", "no scores of its classes"],
    ["two-class-svc", "no scores of its classes"],
  ])("%s is refused with the reason, and no way on that leads nowhere", (name, why) => {
    const tried = (): unknown => compile(load(name), { target: "input" });
    expect(tried).toThrow(UnexplainableError);
    expect(tried).toThrow(why);
    expect(tried).not.toThrow("operators:");
  });
});
