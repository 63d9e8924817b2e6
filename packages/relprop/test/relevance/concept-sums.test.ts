/** Concepts of small networks of every form: sums, signs, and what passed around the layer, checked by hand or by sums. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  compile,
  conceptHeatmaps,
  Explainer,
  readLedger,
  type CompileOptions,
  type LayerConcepts,
  type Target,
} from "../../src/index.ts";
import { float32Tensor, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { NetBuilder } from "../support/output-models.ts";
import { array, sum } from "../support/random-net.ts";
import { relativeDistance, runModel, type Array32 } from "../support/run.ts";

const modelOf = (b: NetBuilder, y: Value): Model => {
  b.output(y, "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
};
/** The same value under a name to ask for. */
const called = (b: NetBuilder, x: Value, name: string): Value => b.op("Relu", [x], {}, name);

/**
 * All channels of a layer in the samples of an input. Whatever the network: each map and what is kept below the layer are
 * the channel's relevance, to 1e-4 of the largest channel's; the channels are what passed; what passed, went around and
 * stayed above is what relevance started with.
 */
async function wholeConcepts(
  model: Model,
  input: Array32,
  {
    target,
    ...options
  }: Omit<CompileOptions, "target"> & { target?: Target } & Required<Pick<CompileOptions, "concepts">>,
): Promise<LayerConcepts[]> {
  const explainer = new Explainer({
    ort,
    model,
    ledger: true,
    seed: "logit",
    ...options,
  } as ConstructorParameters<typeof Explainer>[0]);
  const layers = await conceptHeatmaps(explainer, input, {
    count: 1000,
    ...(target !== undefined && { target }),
  });
  await explainer.dispose();
  expect(layers).toHaveLength(input.dims[0] as number);
  for (const { concepts, start, passed, around = Number.NaN, above = Number.NaN } of layers) {
    const largest = Math.max(...concepts.map(({ channelRelevance }) => Math.abs(channelRelevance)));
    expect(largest).toBeGreaterThan(0);
    for (const { channelRelevance, share, relevance, kept } of concepts) {
      const missing =
        channelRelevance - sum(relevance.data) - sum(Object.values(kept ?? { none: Number.NaN }));
      expect(Math.abs(missing)).toBeLessThanOrEqual(1e-4 * largest);
      expect(Math.abs(kept?.rest ?? Number.NaN)).toBeLessThanOrEqual(1e-4 * largest);
      expect(Math.sign(share)).toBe(Math.sign(channelRelevance));
    }
    const total = concepts.reduce((all, { share }) => all + Math.abs(share), 0);
    expect(total).toBeCloseTo(1, 4);
    expect(Math.abs(sum(concepts.map((each) => each.channelRelevance)) - passed)).toBeLessThanOrEqual(
      1e-4 * largest,
    );
    expect(Math.abs(start - passed - around - above)).toBeLessThanOrEqual(1e-4 * Math.abs(start));
  }
  return layers;
}

const composites = ["epsilon", "epsilon-plus", "gamma"] as const;

/** [N, 2, 4, 4]: a convolution that sees channel 0 alone, and a shortcut with both around it. */
function residual(): Model {
  const b = new NetBuilder();
  const x = b.input("input", "float32", ["N", 2, 4, 4]);
  const weights = Float32Array.from([0.5, 0, 0.25, 0]);
  const kernel = b.constant(float32Tensor(weights, [2, 2, 1, 1]), "W");
  const branch = b.op("Conv", [x, kernel], { kernel_shape: ints([1, 1]) }, "branch");
  const y = b.relu(b.op("Add", [branch, x]));
  return modelOf(b, b.dense(b.op("Flatten", [y], { axis: int(1) }), 32, 3));
}

describe("a shortcut around the layer", () => {
  const input = { data: array([2, 2, 4, 4], 3).data.map((n) => n + 1.5), dims: [2, 2, 4, 4] };

  it.each(composites)("has nothing in the maps, and is said (%s)", async (composite) => {
    const options = { composite, concepts: { layer: "branch" }, target: [0, 2] };
    const layers = await wholeConcepts(residual(), input, options);
    for (const { concepts, around = 0 } of layers) {
      expect(Math.abs(around)).toBeGreaterThan(0.1);
      for (const { relevance } of concepts) {
        expect(relevance.data.subarray(16).every((R) => R === 0)).toBe(true);
        expect(relevance.data.subarray(0, 16).some((R) => R !== 0)).toBe(true);
      }
    }
  });
});

/** Hidden numbers h = x W of x = (1, 2), and one output Σ h v: relevance of h is h ⊙ v. */
const byHand = (v: readonly number[], respond: (b: NetBuilder, z: Value) => Value = (_b, z) => z): Model => {
  const b = new NetBuilder();
  const x = b.input("input", "float32", ["N", 2]);
  const W = b.constant(float32Tensor(Float32Array.from([1, 2, 3, 1, 0, 1]), [2, 3]), "W");
  const hidden = called(b, b.op("MatMul", [x, W]), "hidden");
  const V = b.constant(float32Tensor(Float32Array.from(v), [3, 1]), "V");
  return modelOf(b, respond(b, b.op("MatMul", [hidden, V])));
};
/** Channel, ΣR and map, strongest first. */
const found = ([layer]: LayerConcepts[]): [number, number, number[]][] =>
  layer!.concepts.map(({ channel, channelRelevance, relevance }) => [
    channel,
    channelRelevance,
    Array.from(relevance.data),
  ]);

describe("by hand, without biases and ε", () => {
  const input = { data: Float32Array.from([1, 2]), dims: [1, 2] };
  const options = { composite: "epsilon", epsilon: 0, concepts: { layer: "hidden" } } as const;
  it("a dense layer [N, C], a regression: h = (3, 2, 5), and what speaks against it is negative", async () => {
    // h ⊙ v = (3, −4, −5): on the whole −6, of parts that start at x = (1, 2).
    const layers = await wholeConcepts(byHand([1, -2, -1]), input, options);
    expect(layers[0]).toMatchObject({ start: -6, passed: -6, around: 0, above: 0 });
    expect(found(layers)).toEqual([
      [2, -5, [-3, -2]],
      [1, -4, [-4, 0]],
      [0, 3, [1, 2]],
    ]);
  });

  it("one sigmoid below one half: the logit is negative, and so are the channels that make it so", async () => {
    const model = byHand([1, -2, -1], (b, z) => b.op("Sigmoid", [z]));
    const yes = await wholeConcepts(model, input, options);
    expect(yes[0]).toMatchObject({ start: -6, passed: -6 });
    expect(found(yes)[0]).toEqual([2, -5, [-3, -2]]);
    // The other answer, no, is the logit turned round.
    const no = await wholeConcepts(model, input, { ...options, target: Float32Array.from([-1]) });
    expect(no[0]).toMatchObject({ start: 6, passed: 6 });
    expect(found(no)[0]).toEqual([2, 5, [3, 2]]);
  });
});

/** Whether two convolutions of 3×3 see an element of [C, 8, 8] from row and column 3. */
const isSeen = (i: number): boolean =>
  Math.abs((i % 8) - 3) <= 2 && Math.abs((Math.floor(i / 8) % 8) - 3) <= 2;

describe.each(composites)("with %s, sums are right", (composite) => {
  it("with channels on the last axis of tokens [N, T, C]", async () => {
    const b = new NetBuilder();
    const x = b.input("input", "float32", ["N", 4, 6]);
    const hidden = called(b, b.op("MatMul", [x, b.random([6, 5])]), "hidden");
    const y = b.dense(b.op("Flatten", [hidden], { axis: int(1) }), 20, 3);
    const options = { composite, concepts: { layer: "hidden" }, target: [0, 1] };
    const [{ concepts }] = (await wholeConcepts(modelOf(b, y), array([2, 4, 6], 3), options)) as [
      LayerConcepts,
    ];
    expect(concepts).toHaveLength(5);
  });

  it.each(["outside", "inside"])(
    "where samples share an axis with tokens and are counted %s",
    async (where) => {
      const b = new NetBuilder();
      const isInside = where === "inside";
      const x = b.input("input", "float32", ["N", 4, 6]);
      const turned = isInside ? b.transpose(x, [1, 0, 2]) : x;
      const hidden = called(b, b.dense(b.reshape(turned, [-1, 6]), 6, 5), "hidden");
      const parts = b.reshape(hidden, isInside ? [4, -1, 5] : [-1, 4, 5]);
      const rows = isInside ? b.transpose(parts, [1, 0, 2]) : parts;
      const model = modelOf(b, b.dense(b.op("Flatten", [rows], { axis: int(1) }), 20, 3));
      const input = array([3, 4, 6], 9);
      const layers = await wholeConcepts(model, input, {
        composite,
        concepts: { layer: "hidden" },
        target: [0, 2, 1],
      });
      expect(layers[0]!.concepts).toHaveLength(5);
      // Each sample is what it is alone.
      for (const [i, target] of [0, 2, 1].entries()) {
        const alone = { data: input.data.slice(24 * i, 24 * (i + 1)), dims: [1, 4, 6] };
        const options = { composite, concepts: { layer: "hidden" }, target: [target] };
        const [{ concepts }] = (await wholeConcepts(model, alone, options)) as [LayerConcepts];
        const own = layers[i]!.concepts;
        expect(own.map(({ channel }) => channel)).toEqual(concepts.map(({ channel }) => channel));
        for (const [rank, { relevance }] of concepts.entries())
          expect(relativeDistance(own[rank]!.relevance.data, relevance.data)).toBeLessThan(1e-5);
      }
    },
  );

  it("with channels on the last axis of pictures [N, H, W, C]", async () => {
    const b = new NetBuilder();
    const x = b.input("input", "float32", ["N", 6, 6, 3]);
    const conv = b.conv(b.transpose(x, [0, 3, 1, 2]), 3, 7);
    const hidden = called(b, b.transpose(conv, [0, 2, 3, 1]), "hidden");
    const mean = b.op("ReduceMean", [hidden], { axes: ints([1, 2]), keepdims: int(0) });
    const options = { composite, concepts: { layer: "hidden" }, target: [0, 1] };
    const model = modelOf(b, b.dense(mean, 7, 3));
    const [{ concepts }] = (await wholeConcepts(model, array([2, 6, 6, 3], 4), options)) as [LayerConcepts];
    expect(concepts).toHaveLength(7);
  });

  it("of a 1-D convolution", async () => {
    const b = new NetBuilder();
    const x = b.input("input", "float32", ["N", 2, 12]);
    const hidden = called(b, b.conv(x, 2, 5, [3]), "hidden");
    const pooled = b.op("GlobalAveragePool", [b.relu(b.conv(hidden, 5, 4, [3]))]);
    const model = modelOf(b, b.dense(b.op("Flatten", [pooled], { axis: int(1) }), 4, 3));
    const options = { composite, concepts: { layer: "hidden" }, target: [0, 1] };
    const [{ concepts }] = (await wholeConcepts(model, array([2, 2, 12], 5), options)) as [LayerConcepts];
    expect(concepts).toHaveLength(5);
  });

  it("of a box: the objectness and one class at one place", async () => {
    const b = new NetBuilder();
    const x = b.input("input", "float32", ["N", 3, 8, 8]);
    const hidden = called(b, b.conv(x, 3, 6), "hidden");
    const model = modelOf(b, b.op("Sigmoid", [b.reshape(b.conv(hidden, 6, 4), [0, 4, -1])]));
    const target = { data: new Float32Array(2 * 4 * 64), dims: [2, 4, 64] };
    for (const at of [0, 3]) for (const sample of [0, 1]) target.data[(sample * 4 + at) * 64 + 27] = 1;
    const options = { composite, concepts: { layer: "hidden" }, target };
    const [{ concepts }] = (await wholeConcepts(model, array([2, 3, 8, 8], 6), options)) as [LayerConcepts];
    for (const { relevance } of concepts)
      expect([...relevance.data].every((R, i) => isSeen(i) || R === 0)).toBe(true);
  });

  it("of the input itself: its channels, and nothing else of it", async () => {
    const options: CompileOptions = { composite, concepts: { layer: "input" } };
    const input = array([2, 2, 4, 4], 7);
    const [{ concepts, around }] = (await wholeConcepts(residual(), input, {
      ...options,
      concepts: { layer: "input" },
      target: [0, 2],
    })) as [LayerConcepts];
    expect(concepts).toHaveLength(2);
    expect(around).toBe(0);
    for (const { channel, relevance } of concepts) {
      const other = relevance.data.subarray(16 * (1 - channel), 16 * (2 - channel));
      expect(other.every((R) => R === 0)).toBe(true);
    }
    const compiled = compile(residual(), { ...options, ledger: true });
    const target = { data: Float32Array.from([1, 0, 0, 0, 0, 1]), dims: [2, 3] };
    const channels = { data: Float32Array.from([1, 0, 1, 0]), dims: [2, 2] };
    const results = await runModel(compiled.model, { input, target, channels });
    for (const { start, reached, stayed } of readLedger(compiled.ledger!, results["ledger"]!)) {
      expect(Math.abs(start - reached - sum(Object.values(stayed)))).toBeLessThanOrEqual(
        1e-4 * Math.abs(start),
      );
      expect(stayed.mask).not.toBe(0);
    }
  });
});

/** conv – batch norm – relu – mean – dense – softmax */
function folded(): Model {
  const b = new NetBuilder();
  const x = b.input("input", "float32", ["N", 3, 6, 6]);
  const conv = b.conv(x, 3, 4);
  const row = (n: number): Value => b.constant(float32Tensor(new Float32Array(4).fill(n), [4]), "n");
  const norm = b.op("BatchNormalization", [conv, row(0.8), row(0.1), row(0.2), row(1.5)], {}, "norm");
  const mean = b.op("GlobalAveragePool", [b.relu(norm)]);
  const logits = b.dense(b.op("Flatten", [mean], { axis: int(1) }), 4, 3);
  return modelOf(b, b.op("Softmax", [logits], { axis: int(1) }, "probabilities"));
}

describe("the layer's name", () => {
  const model = folded();
  const nodeOf = (type: string) => model.graph.nodes.find(({ opType }) => opType === type)!;
  const masked = async (layer: string): Promise<Float32Array> => {
    const options = { composite: "epsilon-plus", concepts: { layer }, target: [0] };
    const [{ concepts }] = (await wholeConcepts(model, array([1, 3, 6, 6], 8), options)) as [LayerConcepts];
    return concepts[0]!.relevance.data;
  };

  it("may be that of what was folded into it: a batch norm, and a convolution's own output", async () => {
    const expected = await masked(nodeOf("Conv").name);
    const [norm, conv] = [nodeOf("BatchNormalization"), nodeOf("Conv")];
    for (const name of [norm.name, norm.outputs[0]!, conv.outputs[0]!])
      expect(relativeDistance(await masked(name), expected)).toBe(0);
  });

  it("may be that of what makes the logits, whose channels are the classes", async () => {
    const options = { composite: "epsilon", concepts: { layer: nodeOf("Gemm").name }, target: [1] };
    const [{ concepts, start, passed }] = (await wholeConcepts(model, array([1, 3, 6, 6], 8), options)) as [
      LayerConcepts,
    ];
    expect(concepts[0]).toMatchObject({ channel: 1, channelRelevance: start });
    expect(passed).toBe(start);
  });

  it.each([
    ["probabilities", /it lies behind ".*", where relevance starts/],
    ["nowhere", /no node or tensor of that name/],
    ["inpt", /did you mean "input"\?/],
  ])("is refused with the reason where no relevance arrives: %s", (layer, why) => {
    expect(() => compile(model, { composite: "epsilon", concepts: { layer } })).toThrow(why);
  });

  it("is refused in a gate, where no relevance arrives", () => {
    const b = new NetBuilder();
    const x = b.input("input", "float32", ["N", 3, 6, 6]);
    const conv = b.conv(x, 3, 4);
    const gate = b.op("Sigmoid", [b.op("GlobalAveragePool", [conv])], {}, "gate");
    const mean = b.op("GlobalAveragePool", [b.op("Mul", [conv, gate])]);
    const gated = modelOf(b, b.dense(b.op("Flatten", [mean], { axis: int(1) }), 4, 3));
    const options = { composite: "epsilon", concepts: { layer: "gate" } };
    expect(() => compile(gated, options)).toThrow(/no relevance arrives there: it lies in a gate/);
  });
});
