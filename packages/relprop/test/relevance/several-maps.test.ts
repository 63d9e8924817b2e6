/** K maps of one forward pass are K runs. */

import { describe, expect, it } from "vitest";
import * as ort from "onnxruntime-node";
import {
  compile,
  compositeNames,
  conceptHeatmaps,
  Explainer,
  type CompileOptions,
  type FloatArray,
  type LayerConcepts,
} from "../../src/index.ts";
import { GraphBuilder, int, ints, string, type Model, type Value } from "../../src/onnx/index.ts";
import { array, classes, model, net, oneHot, product, size } from "../support/random-net.ts";
import { countWork } from "../work/count-work.ts";
import { relativeDistance, runModel, type Array32 } from "../support/run.ts";

type Feeds = Readonly<Record<string, Array32>>;

/** The relevance of each sample for each target: [K·N, …], map after map. */
async function oneByOne(source: Model, options: CompileOptions, feeds: Feeds, targets: readonly Array32[]) {
  const { model: single } = compile(source, options);
  const runs: Record<string, Array32>[] = [];
  for (const target of targets) runs.push(await runModel(single, { ...feeds, target }));
  const names = Object.keys(runs[0] ?? {}).filter((name) => name === "relevance" || name === "ledger");
  return Object.fromEntries(
    names.map((name) => [name, Float32Array.from(runs.flatMap((run) => Array.from(run[name]?.data ?? [])))]),
  );
}

async function together(source: Model, options: CompileOptions, feeds: Feeds, targets: readonly Array32[]) {
  const { model: several } = compile(source, { ...options, maps: targets.length });
  const data = Float32Array.from(targets.flatMap((target) => [...target.data]));
  const [first] = targets;
  const dims = [product([targets.length, first?.dims[0] ?? 1]), ...(first?.dims.slice(1) ?? [])];
  return runModel(several, { ...feeds, target: { data, dims } });
}

const samples = 2;
const x = array([samples, 3, size, size], 5);
const targets = [
  [0, 3],
  [1, 1],
  [4, 2],
].map((chosen) => oneHot(chosen, classes));

describe("several maps", () => {
  const bounds = { low: -1, high: 1 };
  const usable = compositeNames.filter((name) => name !== "fischer");
  it.each(usable)("%s: are those of single runs", async (composite) => {
    const source = net({ seed: 3, batchNorm: "operator" });
    const options = { composite, ...(composite === "epsilon-gamma-box" && bounds) };
    const single = await oneByOne(source, options, { x }, targets);
    const several = await together(source, options, { x }, targets);
    expect(several["relevance"]?.dims).toEqual([6, 3, size, size]);
    expect(relativeDistance(several["relevance"]!.data, single["relevance"]!)).toBeLessThan(1e-6);
  });

  it.each<[string, CompileOptions]>([
    ["the ledger", { ledger: true }],
    ["the ledger in float32", { ledger: true, ledgerPrecision: "float32" }],
    ["channels summed", { reduce: "channels" }],
    ["the filter", { topK: 0.3 }],
    ["the filter by bisection", { topK: 0.3, filterBy: "bisection" }],
    ["averaged strides", { composite: "epsilon-plus-ones" }],
    ["seed one", { seed: "one" }],
    ["an inner layer", { layer: "conv1" }],
  ])("with %s", async (_name, options) => {
    const source = net({ seed: 4, bias: true, batchNorm: "by hand" });
    const single = await oneByOne(source, options, { x }, targets);
    const several = await together(source, options, { x }, targets);
    for (const [name, data] of Object.entries(single))
      expect(relativeDistance(several[name]!.data, data), name).toBeLessThan(1e-6);
  });

  it("leave the model's outputs as they are", async () => {
    const source = net({ seed: 4 });
    const several = await together(source, {}, { x }, targets);
    const single = await runModel(compile(source).model, { x, target: targets[0] as Array32 });
    const [name = ""] = source.graph.outputs.map((output) => output.name);
    expect(several[name]).toEqual(single[name]);
  });

  it("of the best classes, the best first", async () => {
    const source = net({ seed: 7 });
    const bare = await runModel(source, { x });
    const [scores] = Object.values(bare);
    const ranked = [0, 1].map((sample) => {
      const row = Array.from(scores!.data.slice(sample * classes, (sample + 1) * classes));
      return row.map((_, c) => c).toSorted((a, b) => row[b]! - row[a]!);
    });
    const best = [0, 1, 2].map((rank) =>
      oneHot(
        ranked.map((order) => order[rank]!),
        classes,
      ),
    );
    const { model: several, added } = compile(source, { target: "top1", maps: 3 });
    expect(added).toEqual([]);
    const { relevance } = await runModel(several, { x });
    const single = await oneByOne(source, {}, { x }, best);
    expect(relativeDistance(relevance!.data, single["relevance"]!)).toBeLessThan(1e-6);
  });

  it("compute the forward pass and the denominators once", () => {
    const source = net({ seed: 3 });
    const work = (composite: string, maps: number): number => {
      const { graph } = compile(source, { composite, maps }).model;
      return countWork(graph, { x: [1, 3, size, size], target: [maps, classes] }).macs;
    };
    const forward = countWork(source.graph, { x: [1, 3, size, size] }).macs;
    // Of ε, the forward pass is all that a map does not do again; z⁺ has denominators, too.
    expect(work("epsilon", 4)).toBeLessThanOrEqual(forward + 4 * (work("epsilon", 1) - forward));
    expect(work("zplus", 4)).toBeLessThan(forward + 2.6 * (work("zplus", 1) - forward));
  });

  it("of attention, whose heads and samples share an axis", async () => {
    const source = attention();
    const feeds = { tokens: array([samples, 6, 8], 3) };
    const chosen = [
      [0, 1],
      [2, 0],
    ].map((each) => oneHot(each, 3));
    const options: CompileOptions = { composite: "attnlrp" };
    const single = await oneByOne(source, options, feeds, chosen);
    const several = await together(source, options, feeds, chosen);
    expect(relativeDistance(several["relevance"]!.data, single["relevance"]!)).toBeLessThan(1e-6);
  });

  it.each<[string, CompileOptions]>([
    ["a class", { composite: "epsilon-plus" }],
    ["the best class", { composite: "epsilon", target: "top1" }],
    ["the softmax, filtered", { composite: "fischer", seed: "softmax", topK: 0.3 }],
  ])("of the strongest channels of a layer, for %s", async (_name, options) => {
    const source = net({ seed: 4 });
    const layer = compile(source, options).plan.filter(({ operator }) => operator === "Conv")[1]!.node;
    const found = async (concepts: CompileOptions["concepts"], maps: number): Promise<LayerConcepts[]> => {
      const more = { concepts: concepts!, maps, ledger: true };
      const explainer = new Explainer({ ort, model: source, ...options, ...more });
      const target = options.target || options.seed ? {} : { target: [0, 3] };
      const concept = await conceptHeatmaps(explainer, x as FloatArray, { ...target, count: 3 });
      await explainer.dispose();
      return concept;
    };
    const several = await found({ layer, channels: "strongest" }, 3);
    const single = await found({ layer }, 1);
    expect(several.length).toBe(samples);
    for (const [sample, { concepts, ...sums }] of several.entries()) {
      const wanted = single[sample]!;
      expect(concepts.map(({ channel }) => channel)).toEqual(wanted.concepts.map(({ channel }) => channel));
      for (const [name, number] of Object.entries(sums))
        expect(number, name).toBeCloseTo(wanted[name as keyof typeof sums]!, 5);
      for (const [i, { relevance, channelRelevance, kept }] of concepts.entries()) {
        const own = wanted.concepts[i]!;
        expect(relativeDistance(relevance.data, own.relevance.data)).toBeLessThan(1e-6);
        expect(channelRelevance).toBe(own.channelRelevance);
        expect(Object.keys(kept!)).toEqual(Object.keys(own.kept!));
        for (const [cause, share] of Object.entries(kept!))
          expect(share, cause).toBeCloseTo(own.kept![cause as keyof typeof kept], 5);
      }
    }
  });

  it("of pictures of open size", async () => {
    const source = openSize();
    const feeds = { x: array([samples, 3, 9, 7], 3) };
    const chosen = [
      [0, 1],
      [2, 0],
    ].map((each) => oneHot(each, 4));
    for (const composite of ["epsilon-plus", "epsilon-alpha2-beta1", "gradient"] as const) {
      const single = await oneByOne(source, { composite }, feeds, chosen);
      const several = await together(source, { composite }, feeds, chosen);
      expect(relativeDistance(several["relevance"]!.data, single["relevance"]!)).toBeLessThan(1e-6);
    }
  });

  it.each<[string, () => Model, CompileOptions, string]>([
    ["no whole number", () => net({ seed: 1 }), { maps: 1.5 }, "cannot compute 1.5 maps in one pass"],
    ["none", () => net({ seed: 1 }), { maps: 0 }, "it is a number from 1 on"],
    ["the softmax", () => net({ seed: 1 }), { maps: 2, seed: "softmax" }, "the softmax of all classes"],
    ["a fixed target", () => net({ seed: 1 }), { maps: 2, target: 3 }, "the target is compiled in"],
    ["a fixed batch", fixedBatch, { maps: 2 }, "without a batch axis of open size"],
    ["a mean over samples", overSamples, { maps: 2 }, "the model mixes the samples of a batch"],
  ])("are refused for %s", (_name, make, options, why) => {
    expect(() => compile(make(), options)).toThrow(why);
  });
});

function fixedBatch(): Model {
  const source = net({ seed: 1 });
  const inputs = source.graph.inputs.map((input) => ({ ...input, shape: [1, 3, size, size] }));
  return { ...source, graph: { ...source.graph, inputs } };
}

const constant = (b: GraphBuilder, dims: readonly number[], seed: number): Value =>
  b.numbers([...array(dims, seed).data], dims);

/** A factor that all samples share. */
function overSamples(): Model {
  const b = new GraphBuilder();
  const v = b.input("x", "float32", ["N", 4]);
  const mean = b.op("ReduceMean", [v], { axes: ints([0]), keepdims: int(1) });
  b.output(b.op("MatMul", [b.op("Mul", [v, b.op("Sigmoid", [mean])]), constant(b, [4, 3], 1)]), "y");
  return model(b);
}

function attention(): Model {
  const b = new GraphBuilder();
  const [tokens, heads, width] = [6, 2, 4];
  const v = b.input("tokens", "float32", ["N", tokens, heads * width]);
  const projected = (seed: number): Value => b.op("MatMul", [v, constant(b, [8, 8], seed)]);
  const split = (value: Value): Value => {
    const parts = b.op("Reshape", [value, b.integers([-1, tokens, heads, width])]);
    const apart = b.op("Transpose", [parts], { perm: ints([0, 2, 1, 3]) });
    return b.op("Reshape", [apart, b.integers([-1, tokens, width])]);
  };
  const [q, k, values] = [1, 2, 3].map((seed) => split(projected(seed))) as [Value, Value, Value];
  const weights = b.op("Softmax", [b.op("MatMul", [q, b.op("Transpose", [k], { perm: ints([0, 2, 1]) })])], {
    axis: int(-1),
  });
  const mixed = b.op("Reshape", [b.op("MatMul", [weights, values]), b.integers([-1, heads, tokens, width])]);
  const back = b.op("Reshape", [
    b.op("Transpose", [mixed], { perm: ints([0, 2, 1, 3]) }),
    b.integers([-1, tokens, heads * width]),
  ]);
  const whole = b.op("ReduceMean", [b.op("Add", [v, back])], { axes: ints([1]), keepdims: int(0) });
  b.output(b.op("MatMul", [whole, constant(b, [8, 3], 9)]), "logits");
  return model(b);
}

function openSize(): Model {
  const b = new GraphBuilder();
  const v = b.input("x", "float32", ["N", 3, "height", "width"]);
  const conv = (value: Value, C: number, stride: number, seed: number): Value =>
    b.op("Relu", [
      b.op("Conv", [value, constant(b, [4, C, 3, 3], seed), constant(b, [4], seed + 1)], {
        pads: ints([1, 1, 1, 1]),
        strides: ints([stride, stride]),
      }),
    ]);
  const first = conv(v, 3, 2, 1);
  const second = b.op("Add", [first, conv(first, 4, 1, 3)]);
  const pooled = b.op("AveragePool", [second], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
    auto_pad: string("NOTSET"),
  });
  b.output(b.op("Flatten", [b.op("GlobalAveragePool", [conv(pooled, 4, 1, 5)])], { axis: int(1) }), "logits");
  return model(b);
}
