/** Concept-conditional relevance: what flows through chosen channels of one layer. */

import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { compile, conceptHeatmaps, Explainer, readLedger, type CompileOptions } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, type Model } from "../../src/onnx/index.ts";
import { differentTargets, goldenNetworks } from "../support/golden-inputs.ts";
import { randomNumbers, relativeDistance, runModel, type Array32 } from "../support/run.ts";

const { model, input, classes } = goldenNetworks().find(({ name }) => name === "resnet-bn")!;
const samples = input.dims[0] as number;
const target = differentTargets(samples, classes);
const isConvolution = ({ operator }: { operator: string }): boolean => operator === "Conv";
/** A convolution in the middle of the network, on one branch of a residual block. */
const layer = compile(model, { composite: "epsilon-plus" }).plan.filter(isConvolution)[2]!.node;
const channelsOf = (options: CompileOptions): number => {
  const { concepts } = compile(model, { ...options, concepts: { layer } });
  return concepts!.layer.shape[concepts!.axis] as number;
};

const sum = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, n) => a + n, 0);
const maskOf = (channels: number, factor: (channel: number) => number): Array32 => ({
  data: Float32Array.from({ length: samples * channels }, (_, i) => factor(i % channels)),
  dims: [samples, channels],
});

describe.each(["epsilon-plus", "epsilon-alpha2-beta1", "gamma", "epsilon-plus-ones", "gradient"])(
  "with %s",
  (composite) => {
    const options: CompileOptions = { composite, seed: "logit" };
    const channels = channelsOf(options);

    it("is relevance that starts again at the layer, and nothing that flows around it", async () => {
      const stopping = compile(model, { ...options, layer });
      const atLayer = (await runModel(stopping.model, { input, target }))["relevance"]!;
      // The referee: the layer itself explained, its relevance given as the target.
      const { name } = stopping.layer;
      const again = compile(model, { ...options, output: name, start: "output", seed: "one" });
      const expected = await runModel(again.model, { input, target: atLayer });
      const masked = compile(model, { ...options, concepts: { layer } });
      const results = await runModel(masked.model, { input, target, channels: maskOf(channels, () => 1) });
      expect(relativeDistance(results["relevance"]!.data, expected["relevance"]!.data)).toBeLessThan(1e-5);
      const plain = await runModel(compile(model, options).model, { input, target });
      expect(relativeDistance(results["relevance"]!.data, plain["relevance"]!.data)).toBeGreaterThan(0.01);
    });

    it("masks that part the channels add up to all that crosses the layer", async () => {
      const { model: masked } = compile(model, { ...options, concepts: { layer } });
      const through = async (factor: (channel: number) => number): Promise<Float32Array> =>
        (await runModel(masked, { input, target, channels: maskOf(channels, factor) }))["relevance"]!.data;
      const all = await through(() => 1);
      expect((await through(() => 0)).every((R) => R === 0)).toBe(true);
      const parts = [0, 1, 2].map((part) => through((channel) => (channel % 3 === part ? 1 : 0)));
      const total = new Float32Array(all.length);
      for (const part of await Promise.all(parts)) part.forEach((R, i) => (total[i]! += R));
      expect(relativeDistance(total, all)).toBeLessThan(1e-5);
    });

    it("the ledger says what was masked", async () => {
      const compiled = compile(model, { ...options, concepts: { layer }, ledger: true });
      const feeds = { input, target, channels: maskOf(channels, (channel) => channel % 2) };
      const results = await runModel(compiled.model, feeds);
      const all = results["channel_relevance"]!.data;
      for (const [sample, { entries }] of readLedger(compiled.ledger!, results["ledger"]!).entries()) {
        const { sums } = entries.find(({ node, operator }) => node === layer && operator !== "around")!;
        const own = all.subarray(sample * channels, (sample + 1) * channels);
        expect(Math.abs(sums.arriving - sum(own))).toBeLessThanOrEqual(1e-6 * sums.magnitude);
        const even = own.filter((_, channel) => channel % 2 === 0);
        expect(Math.abs(sums.mask - sum(even))).toBeLessThanOrEqual(1e-6 * sums.magnitude);
        expect(Math.abs(sums.rest)).toBeLessThanOrEqual(1e-6 * sums.magnitude);
        // What the skip connection carries is left out, and said.
        const around = entries.find(({ operator }) => operator === "around")!;
        expect(around.sums.around).toBe(around.sums.arriving);
        expect(around.sums.magnitude).toBeGreaterThan(0);
      }
    });
  },
);

it.each(["epsilon-plus", "epsilon-alpha2-beta1", "gamma", "gradient"])(
  "a channel's relevance is that of its pixels, summed, whatever is masked (%s)",
  async (composite) => {
    const options: CompileOptions = { composite, seed: "logit" };
    const channels = channelsOf(options);
    const stopping = await runModel(compile(model, { ...options, layer }).model, { input, target });
    const { data, dims } = stopping["relevance"]!;
    const pixels = data.length / (samples * channels);
    expect(dims.slice(0, 2)).toEqual([samples, channels]);
    const expected = Float32Array.from({ length: samples * channels }, (_, i) =>
      sum(data.subarray(i * pixels, (i + 1) * pixels)),
    );
    const { model: masked } = compile(model, { ...options, concepts: { layer } });
    const results = await runModel(masked, { input, target, channels: maskOf(channels, () => 0) });
    expect(results["channel_relevance"]!.dims).toEqual([samples, channels]);
    expect(relativeDistance(results["channel_relevance"]!.data, expected)).toBeLessThan(1e-5);
  },
);

/** Tokens [N, 2, 3] -> [N, 2, 4] -> [N, 8] -> two classes. */
function tokens(batch: string | number): Model {
  const b = new GraphBuilder();
  const x = b.input("input", "float32", [batch, 2, 3]);
  const constant = (name: string, dims: number[]) =>
    b.constant(
      float32Tensor(
        randomNumbers(
          dims.reduce((a, n) => a * n, 1),
          name.length,
        ),
        dims,
      ),
      name,
    );
  const hidden = b.op("Relu", [b.op("MatMul", [x, constant("first", [3, 4])], {}, "hidden")]);
  const flat = b.op("Flatten", [hidden], { axis: int(1) });
  b.output(b.op("Gemm", [flat, constant("second weights", [8, 2])]), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("tokens") };
}
const someTokens = { data: randomNumbers(18, 5), dims: [3, 2, 3] };

describe("the layer", () => {
  it("can have its channels on any axis but the first", async () => {
    const compiled = compile(tokens("N"), {
      composite: "epsilon",
      target: "top1",
      concepts: { layer: "hidden", axis: 2 },
    });
    expect(compiled.concepts!.layer.shape).toEqual(["N", 2, 4]);
    const channels = { data: new Float32Array(12).fill(1), dims: [3, 4] };
    const results = await runModel(compiled.model, { input: someTokens, channels });
    expect(results["channel_relevance"]!.dims).toEqual([3, 4]);
    expect(sum(results["channel_relevance"]!.data)).toBeCloseTo(sum(results["relevance"]!.data), 4);
  });

  it("must lie on the way of relevance", () => {
    const misspelled = { concepts: { layer: "hiden" } };
    expect(() => compile(tokens("N"), misspelled)).toThrow(
      /cannot take concepts from "hiden": .*; did you mean "hidden"\?/,
    );
  });

  it("must have the axis", () => {
    const options = { concepts: { layer: "hidden", axis: 3 } };
    expect(() => compile(tokens("N"), options)).toThrow(/axis 3 of "hidden" .*choose one of the axes 1, 2/);
  });

  it("is written into the metadata", () => {
    const { metadata } = compile(tokens("N"), { concepts: { layer: "hidden" } }).model;
    expect(JSON.parse(metadata["relprop.options"]!)).toMatchObject({ concepts: { layer: "hidden" } });
  });
});

describe("the explainer", () => {
  const explainers: Explainer[] = [];
  const make = (source: Model, options: CompileOptions): Explainer => {
    const explainer = new Explainer({ ort, model: source, ...options });
    explainers.push(explainer);
    return explainer;
  };
  afterAll(async () => {
    for (const explainer of explainers) await explainer.dispose();
  });
  const options: CompileOptions = { composite: "epsilon-plus", reduce: "channels", concepts: { layer } };

  it("takes channels as an index, as one for each sample, as factors for all or for each", async () => {
    const explainer = make(model, options);
    const channels = channelsOf(options);
    const oneHot = Float32Array.from({ length: channels }, (_, channel) => (channel === 1 ? 1 : 0));
    const [first, ...others] = await Promise.all(
      [1, Array(samples).fill(1), oneHot, maskOf(channels, (channel) => oneHot[channel]!)].map((chosen) =>
        explainer.explain(input, { target: 0, channels: chosen }),
      ),
    );
    for (const other of others) expect(other.relevance).toEqual(first!.relevance);
    expect(first!.channelRelevance!.dims).toEqual([samples, channels]);
    expect(Object.keys(first!.outputs)).toEqual(["output"]);
  });

  it.each([
    [{ channels: 999 }, /there is no channel 999/],
    [{ channels: [1] }, /1 channels are named for/],
    [{ channels: new Float32Array(3) }, /there are 3 factors/],
    [{ channels: { data: new Float32Array(3), dims: [1, 3] } }, /have the shape \[1, 3\]/],
  ])("refuses %j", async (run, message) => {
    await expect(make(model, options).explain(input, { target: 0, ...run })).rejects.toThrow(message);
  });

  it("finds the strongest channels of each sample and explains it through each alone", async () => {
    const explainer = make(model, options);
    const layers = await conceptHeatmaps(explainer, input, { count: 3 });
    const { channelRelevance, top, start } = await explainer.explain(input);
    const channels = channelRelevance!.dims[1] as number;
    expect(layers).toHaveLength(samples);
    for (const [sample, { concepts: found, ...whole }] of layers.entries()) {
      const own = channelRelevance!.data.slice(sample * channels, (sample + 1) * channels);
      const strongest = own.map(Math.abs).toSorted().slice(-3).toReversed();
      expect(whole.start).toBe(start[sample]);
      expect(whole.passed).toBeCloseTo(sum(own), 4);
      expect(found.map((concept) => Math.abs(concept.channelRelevance))).toEqual([...strongest]);
      for (const { channel, share, channelRelevance: R, relevance } of found) {
        expect(R).toBe(own[channel]);
        expect(share).toBeCloseTo(R / sum(own.map(Math.abs)), 4);
        const target = top.map(([best]) => best!.index);
        const alone = await explainer.explain(input, { channels: channel, target });
        const size = alone.relevance.data.length / samples;
        const expected = alone.relevance.data.subarray(sample * size, (sample + 1) * size);
        expect(relevance.dims).toEqual([1, ...input.dims.slice(2)]);
        expect(relativeDistance(relevance.data, expected)).toBeLessThan(1e-5);
      }
    }
  });

  it.each([
    ["one", 1],
    ["many", 100],
  ])("gives the same with %s samples in a run", async (_title, batch) => {
    const explainer = make(tokens("N"), { composite: "epsilon", concepts: { layer: "hidden", axis: 2 } });
    const expected = await conceptHeatmaps(explainer, someTokens, { count: 10, target: [0, 1, 0] });
    const concepts = await conceptHeatmaps(explainer, someTokens, { count: 10, target: [0, 1, 0], batch });
    expect(concepts.map((found) => found.concepts.length)).toEqual([4, 4, 4]);
    for (const [sample, found] of concepts.entries()) {
      for (const [rank, { channel, relevance }] of found.concepts.entries()) {
        const same = expected[sample]!.concepts[rank]!;
        expect(channel).toBe(same.channel);
        expect(relativeDistance(relevance.data, same.relevance.data)).toBeLessThan(1e-5);
      }
    }
  });

  it("keeps to the batch of a model that fixes it", async () => {
    const explainer = make(tokens(3), { composite: "epsilon", concepts: { layer: "hidden", axis: 2 } });
    const concepts = await conceptHeatmaps(explainer, someTokens, { count: 2 });
    expect(concepts.map((found) => found.concepts.length)).toEqual([2, 2, 2]);
    for (const { relevance } of concepts.flatMap((found) => found.concepts))
      expect(relevance.dims).toEqual([1, 2, 3]);
  });

  it("says that it has no layer to find concepts in", async () => {
    const explainer = make(tokens("N"), { composite: "epsilon" });
    await expect(conceptHeatmaps(explainer, someTokens)).rejects.toThrow(/made without a layer/);
  });

  it("hands over the ledgers", async () => {
    const explainer = make(tokens("N"), { composite: "epsilon", ledger: true });
    const { ledgers, outputs } = await explainer.explain(someTokens);
    expect(ledgers).toHaveLength(3);
    expect(Object.keys(outputs)).toEqual(["output"]);
  });
});
