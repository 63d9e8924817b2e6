/** What an output is read as, and that relevance starts before its response functions, wherever these stand. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { modelOf, outputModels } from "../support/output-models.ts";
import { array } from "../support/random-net.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

describe.each(outputModels)("$name", (each) => {
  // A stabiliser that keeps denominators away from 0, where the order of a sum would show.
  const options = { composite: "epsilon", seed: "logit", epsilon: 0.01 } as const;

  it(`is read as ${each.kind}`, () => {
    const { facts } = compile(modelOf(each), options);
    const { kind, by } = facts.scale as { kind: string; by?: string };
    expect(facts.kind, facts.why).toBe(each.kind);
    expect(by === undefined ? kind : `${kind} by ${by}`).toBe(each.scale);
    expect(facts.why).not.toBe("");
  });

  it("has the relevance of its logits, and the outputs that it has", async () => {
    const model = modelOf(each);
    const input = array(each.input, 5);
    const own = compile(model, options);
    const dims = own.output.shape.map(
      (dim, axis) => (axis === 0 && typeof dim === "string" ? 1 : dim) as number,
    );
    const size = dims.reduce((a, n) => a * n, 1);
    const plain = compile(modelOf(each, false), { ...options, start: "output" });
    const outputs = await runModel(model, { input });
    // Single elements one after the other, and any sum of them.
    const single = [0, 1, Math.floor(size / 2), size - 1].map((at) =>
      Float32Array.from({ length: size }, (_, i) => (i === at % size ? 1 : 0)),
    );
    for (const data of [...single, randomNumbers(size, 3)]) {
      const target = { data, dims };
      const got = await runModel(own.model, { input, target });
      const wanted = await runModel(plain.model, { input, target });
      expect(relativeDistance(got["relevance"]!.data, wanted["relevance"]!.data)).toBeLessThan(5e-6);
      for (const [name, value] of Object.entries(outputs)) {
        expect(relativeDistance(got[name]!.data, value.data)).toBeLessThan(1e-6);
      }
    }
  });
});
