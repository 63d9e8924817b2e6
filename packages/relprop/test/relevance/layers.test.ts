/** Relevance at many layers in one pass is that of one compilation for each layer. */

import { describe, expect, it } from "vitest";
import { compile, compileMethod, type CompileOptions } from "../../src/index.ts";
import { classes, net, oneHot, array, size } from "../support/random-net.ts";
import { relativeDistance, runModel } from "../support/run.ts";

const feeds = { x: array([2, 3, size, size], 5), target: oneHot([1, 3], classes) };
const source = net({ seed: 3, batchNorm: "operator" });
const between = compile(source, {}).plan.map(({ node }) => node);

/** The nodes whose tensor relevance can stop at: all but the last, which gives the logits. */
const names = between.filter((name) => {
  try {
    compile(source, { layer: name });
    return true;
  } catch {
    return false;
  }
});

describe("layers", () => {
  it.each<[string, CompileOptions]>([
    ["epsilon-plus", {}],
    ["attnlrp", { composite: "attnlrp" }],
    ["the gradient", { composite: "gradient" }],
    ["averaged strides", { composite: "epsilon-plus-ones" }],
    ["channels summed at the input alone", { reduce: "channels" }],
  ])("%s: every layer at once, as one by one", async (_name, options) => {
    expect(names.length).toBeGreaterThan(3);
    const compiled = compile(source, { ...options, layers: names });
    const all = await runModel(compiled.model, feeds);
    const plain = await runModel(compile(source, options).model, feeds);
    expect(all["relevance"]?.data).toEqual(plain["relevance"]?.data);
    expect(compiled.layers.map(({ name }) => name)).toEqual(names);
    for (const { name, layer, relevance } of compiled.layers) {
      // A composite's "first" layer is another one where relevance stops elsewhere: only this gives the same rules.
      const own = new Set(
        compile(source, { ...options, reduce: "none", layer: name }).plan.map((line) => line.node),
      );
      const rules = compiled.plan
        .filter(({ node }) => own.has(node))
        .map(({ node, rule }) => ({ pattern: node, rule }));
      const { model } = compile(source, { ...options, reduce: "none", layer: name, rules });
      const alone = await runModel(model, feeds);
      expect(all[relevance]?.dims, layer.name).toEqual(alone["relevance"]?.dims);
      expect(relativeDistance(all[relevance]!.data, alone["relevance"]!.data), layer.name).toBeLessThan(1e-6);
    }
  });

  it("names a layer twice, and the input", async () => {
    const [name = ""] = names;
    const { model, layers } = compile(source, { layers: [name, name, "x"] });
    const run = await runModel(model, feeds);
    expect(layers[0]?.relevance).toBe(layers[1]?.relevance);
    expect(run["relevance.x"]?.data).toEqual(run["relevance"]?.data);
  });

  it("refuses a name that is not on the way, concepts beside it, and methods", () => {
    expect(() => compile(source, { layers: ["nowhere"] })).toThrow('relevance cannot stop at "nowhere"');
    expect(() => compile(source, { layers: [names[0] ?? ""], concepts: { layer: "last-map" } })).toThrow(
      "layers and concepts do not go together",
    );
    const method = { method: "input-x-gradient", layers: [names[0]] } as never;
    expect(() => compileMethod(source, method)).toThrow('no option "layers"');
  });
});
