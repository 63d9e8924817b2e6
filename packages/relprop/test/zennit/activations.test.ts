/**
 * Activations of many kinds in one network, against zennit 1.0 in float64: which rule is about ReLUs, and which about all.
 * Made by bench/peers/zennit_activations.py.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { compile, parseComposite, type CompileOptions } from "../../src/index.ts";
import { float, readModel, type Model, type Node } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { Operators } from "../../src/relevance/operators.ts";
import { relativeDistance, runModel } from "../support/run.ts";

interface Reference {
  readonly network: string;
  readonly shape: readonly number[];
  readonly classes: number;
  /** The class of each sample. */
  readonly targets: readonly number[];
  /** By composite: how far zennit in float32 lies from these values, of the largest. */
  readonly rounding: Readonly<Record<string, number>>;
}

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const { cases } = JSON.parse(file("activations.json").toString()) as { cases: readonly Reference[] };

/** Each network with its input, output and relevance, one after the other in the file. */
const networks = (() => {
  const numbers = new Float32Array(Uint8Array.from(file("activations.bin")).buffer);
  let offset = 0;
  const next = (size: number): Float32Array => numbers.subarray(offset, (offset += size));
  return cases.map(({ network, shape, classes, targets, rounding }) => {
    const input = { data: next(sizeOf(shape)), dims: shape };
    const output = next(targets.length * classes);
    const target = { data: new Float32Array(output.length), dims: [targets.length, classes] };
    for (const [sample, index] of targets.entries()) target.data[sample * classes + index] = 1;
    const relevance = new Map(Object.keys(rounding).map((run) => [run, next(sizeOf(shape))]));
    const model = readModel(file(`${network}.onnx`));
    return { network, model, input, output, target, relevance };
  });
})();
const [convolutions] = networks;

/** Relevance of a network by a composite, of zennit's start: 1 at the target. */
async function relevanceOf(
  { input, target }: (typeof networks)[number],
  model: Model,
  options: CompileOptions,
): Promise<Float32Array> {
  const compiled = compile(model, { ...options, seed: "one" });
  return (await runModel(compiled.model, { input, target }))["relevance"]!.data;
}

/** `beta-smooth:3` is the composite with β = 3. */
function optionsOf(run: string): CompileOptions {
  const [composite = "", beta] = run.split(":");
  return { composite, ...(beta !== undefined && { beta: Number(beta) }) };
}

const runs = networks.flatMap((reference) =>
  [...reference.relevance].map(([run, expected]) => ({
    network: reference.network,
    run,
    expected,
    reference,
  })),
);

describe("a network of many activations agrees with zennit", () => {
  it.each(runs)("$network, $run", async ({ run, expected, reference }) => {
    const found = await relevanceOf(reference, reference.model, optionsOf(run));
    expect(relativeDistance(found, expected)).toBeLessThanOrEqual(5e-6);
  });
});

/** The network with its ReLUs written in another way. */
function rewritten(model: Model, write: (relu: Node) => Node): Model {
  const nodes = model.graph.nodes.map((node) => (node.opType === "Relu" ? write(node) : node));
  const zero = { dataType: "float32", dims: [], bytes: new Uint8Array(4) } as const;
  const initializers = new Map([...model.graph.initializers, ["zero", zero]]);
  return { ...model, graph: { ...model.graph, nodes, initializers } };
}

const otherNames: readonly (readonly [string, (relu: Node) => Node])[] = [
  ["Clip", (relu) => ({ ...relu, opType: "Clip", inputs: [...relu.inputs, "zero"] })],
  ["Max", (relu) => ({ ...relu, opType: "Max", inputs: ["zero", ...relu.inputs] })],
  ["LeakyRelu", (relu) => ({ ...relu, opType: "LeakyRelu", attributes: { alpha: float(0) } })],
  ["PRelu", (relu) => ({ ...relu, opType: "PRelu", inputs: [...relu.inputs, "zero"] })],
  ["ThresholdedRelu", (relu) => ({ ...relu, opType: "ThresholdedRelu", attributes: { alpha: float(0) } })],
];

describe("a ReLU by another name is one", () => {
  it.each(otherNames)("%s", async (_name, write) => {
    const each = convolutions!;
    const model = rewritten(each.model, write);
    for (const composite of ["deconvnet", "guided-backprop", "beta-smooth", "epsilon-plus"]) {
      const found = await relevanceOf(each, model, { composite });
      expect(relativeDistance(found, each.relevance.get(composite)!)).toBeLessThanOrEqual(5e-6);
    }
  });
});

describe("activations: all", () => {
  const each = convolutions!;
  const { nodes } = canonicalize(each.model.graph).graph;
  const named = nodes
    .filter((node) => new Operators().rowOf(node)?.family === "activation")
    .map(({ name }) => name);

  it.each(["deconvnet", "guided-backprop", "beta-smooth"])("is %s on every activation", async (rule) => {
    expect(named.length).toBeGreaterThan(6);
    const rules = named.map((pattern) => ({ pattern, rule }));
    const expected = await relevanceOf(each, each.model, { composite: "gradient", rules });
    const found = await relevanceOf(each, each.model, { composite: rule, activations: "all" });
    expect(found).toEqual(expected);
    // And that is another thing than the rule on ReLUs alone.
    expect(relativeDistance(found, each.relevance.get(rule)!)).toBeGreaterThan(0.05);
  });

  it("says where there is nothing that it could change", () => {
    expect(() => compile(each.model, { composite: "epsilon-plus", activations: "all" })).toThrow(
      /nothing uses activations "all" \(composite epsilon-plus\).*deconvnet, guided-backprop, beta-smooth/,
    );
    expect(() => compile(each.model, { activations: "some" as "all" })).toThrow(/one of relu, all/);
  });
});

it("a composite from JSON names ReLUs, and an override does", async () => {
  const each = convolutions!;
  const expected = each.relevance.get("guided-backprop")!;
  const composite = parseComposite({ extends: "gradient", rules: { relu: "guided-backprop" } });
  const rules = [{ pattern: "relu", rule: "guided-backprop" }];
  for (const options of [{ composite }, { composite: "gradient", rules }]) {
    const found = await relevanceOf(each, each.model, options);
    expect(relativeDistance(found, expected)).toBeLessThanOrEqual(5e-6);
  }
  const all = await relevanceOf(each, each.model, { composite, activations: "all" });
  expect(all).toEqual(
    await relevanceOf(each, each.model, { composite: "guided-backprop", activations: "all" }),
  );
});
