/** Whole evaluations of real networks: against values computed here step by step, and what is left out. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
import { expect, it } from "vitest";
import { evaluate, Explainer, metricNames, type FloatArray } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, type Model, type Value } from "../../src/onnx/index.ts";
import { convnet, images, modelOf, weights } from "../methods/nets.ts";
import { runModel } from "../support/run.ts";

const studio = (path: string): URL => new URL(`../../../studio/public/${path}`, import.meta.url);
const digits = readFileSync(studio("models/digits.onnx"));

async function digitPictures(...which: number[]): Promise<FloatArray> {
  const data = new Float32Array(which.length * 784);
  for (const [i, digit] of which.entries()) {
    const { data: bytes } = await sharp(readFileSync(studio(`gallery/digit-${digit}.png`)))
      .toColourspace("b-w")
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (let at = 0; at < 784; at++) data[i * 784 + at] = bytes[at]! / 255;
  }
  return { data, dims: [which.length, 1, 28, 28] };
}

/** The file has no class names, which would tell. */
const compile = { outputKind: "classes" } as const;

const softmaxAt = (logits: Float32Array, index: number): number => {
  const powers = Array.from(logits, (logit) => Math.exp(logit));
  return powers[index]! / powers.reduce((sum, power) => sum + power, 0);
};

it("deletion and insertion are what removing patches one by one gives", async () => {
  const input = await digitPictures(7);
  // An even background has patches of equal relevance, whose order is left to chance.
  for (const i of input.data.keys()) input.data[i]! += 0.02 * Math.sin(i * i);
  const model = new Uint8Array(digits);
  const lrp = { composite: "epsilon-plus" } as const;
  const { inputs } = await evaluate({
    ort,
    model,
    input,
    methods: { lrp },
    compile,
    patch: 7,
    steps: 16,
    baseline: "black",
    black: [0.25],
  });
  const found = inputs[0]!["lrp"]!;

  const explainer = new Explainer({ ort, model, ...compile, ...lrp });
  const { relevance, top } = await explainer.explain(input, { target: 7 });
  await explainer.dispose();
  expect(top[0]?.[0]?.index).toBe(7);
  const session = await ort.InferenceSession.create(model);
  const sums = Array.from({ length: 16 }, (_, patch) =>
    inPatch(patch).reduce((sum, at) => sum + relevance.data[at]!, 0),
  );
  const shareWithout = async (patches: readonly number[]): Promise<number> => {
    const data = input.data.slice();
    for (const patch of patches) for (const at of inPatch(patch)) data[at] = 0.25;
    const { output } = await session.run({ input: new ort.Tensor("float32", data, input.dims) });
    return softmaxAt(output!.data as Float32Array, 7);
  };
  const whole = await shareWithout([]);
  const meanOf = async (order: readonly number[]): Promise<number> => {
    const shares: number[] = [];
    for (let count = 0; count <= 16; count++)
      shares.push((await shareWithout(order.slice(0, count))) / whole);
    return shares.slice(1).reduce((sum, share, i) => sum + (share + shares[i]!) / 2, 0) / 16;
  };
  const order = sums.map((_, i) => i).sort((a, c) => sums[c]! - sums[a]!);
  const deletion = await meanOf(order);
  const insertion = await meanOf(order.toReversed());
  expect(found.numbers.deletion).toBeCloseTo(deletion, 5);
  expect(found.numbers.insertion).toBeCloseTo(insertion, 5);
  expect(found.numbers.srg).toBeCloseTo(insertion - deletion, 5);
  expect(found.curves.most?.removed).toEqual(Array.from({ length: 17 }, (_, i) => i));
  await session.release();
});

const inPatch = (patch: number): number[] =>
  Array.from({ length: 49 }, (_, i) => {
    const [y, x] = [Math.floor(patch / 4) * 7 + Math.floor(i / 7), (patch % 4) * 7 + (i % 7)];
    return y * 28 + x;
  });

it("LRP finds more than chance, and noise as much as chance", async () => {
  const input = await digitPictures(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  const { table, leftOut } = await evaluate({
    ort,
    model: new Uint8Array(digits),
    input,
    compile,
    methods: { noise: "random", lrp: { composite: "epsilon-plus" }, cam: { method: "grad-cam" } },
    metrics: metricNames.filter((name) => name !== "road"),
    masks: { data: new Float32Array(10 * 784).fill(1), dims: [10, 28, 28] },
    steps: 14,
    subsets: 20,
  });
  expect(leftOut).toEqual([]);
  const row = (metric: string, method: string) =>
    table.find((each) => each.metric === metric && each.method === method)!;
  const [low, high] = row("srg", "noise").summary!.interval;
  expect(low).toBeLessThan(0);
  expect(high).toBeGreaterThan(0);
  expect(row("srg", "noise").difference).toBeUndefined();
  expect(row("srg", "lrp").difference!.interval[0]).toBeGreaterThan(0.1);
  expect(row("faithfulness-correlation", "lrp").summary!.mean).toBeGreaterThan(0.2);
  expect(row("pointing-game", "lrp").summary!.mean).toBe(1);
  expect(row("relevance-mass", "lrp").summary!.mean).toBeCloseTo(1, 6);
  // Noise cannot be asked for another map.
  expect(row("max-sensitivity", "noise").summary).toBeUndefined();
  expect(row("max-sensitivity", "lrp").summary!.mean).toBeGreaterThan(0);
  expect(row("mprt", "lrp").summary).toMatchObject({ count: 10 });
  expect(row("mprt", "lrp").summary!.mean).toBeLessThan(0.8);
  expect(row("efficient-mprt", "lrp").summary!.count).toBe(10);
  expect(row("mprt", "noise").summary).toBeUndefined();
  expect(row("random-logit", "lrp").summary!.count).toBe(10);
});

it("maps with NaN are left out and named, and the others keep their pairs", async () => {
  const input = await digitPictures(3, 4);
  const map = { data: input.data.slice(), dims: [2, 28, 28] };
  map.data[800] = Number.NaN;
  const { table, leftOut, inputs } = await evaluate({
    ort,
    model: new Uint8Array(digits),
    input,
    compile,
    methods: { input: { data: input.data, dims: [2, 28, 28] }, broken: map },
    metrics: ["deletion"],
    steps: 7,
  });
  expect(leftOut).toHaveLength(1);
  expect(leftOut[0]).toMatchObject({ sample: 1, method: "broken" });
  expect(leftOut[0]!.error.message).toContain("some of its numbers are NaN");
  expect(inputs[1]!["broken"]).toBeUndefined();
  expect(table.map(({ summary }) => summary?.count)).toEqual([2, 1]);
  // The same map on the one sample that both have.
  expect(table[1]!.difference).toMatchObject({ count: 1, mean: 0, higher: 0.5 });
});

it("a sample whose class has no probability to lose is left out", async () => {
  const input = await digitPictures(1, 8);
  const { leftOut, inputs } = await evaluate({
    ort,
    model: new Uint8Array(digits),
    input,
    compile,
    methods: { lrp: { composite: "epsilon-plus" } },
    target: [0, 8],
    steps: 4,
  });
  expect(leftOut.map(({ sample }) => sample)).toEqual([0]);
  expect(leftOut[0]!.error.message).toContain("the probability of what is explained is");
  expect(Object.keys(inputs[0]!)).toEqual([]);
  expect(Object.keys(inputs[1]!)).toEqual(["lrp"]);
});

/** Σ w x of all pixels, through a function. */
const linear = (after: (b: GraphBuilder, sum: Value) => Value): Model =>
  modelOf((b, x) => {
    const flat = b.op("Reshape", [x, b.integers([-1, 144])]);
    return after(b, b.op("MatMul", [flat, weights(b, [144, 1], 3)]));
  });

it.each([
  ["a value", linear((_b, sum) => sum), (z: number) => z],
  ["a negative value", linear((b, sum) => b.op("Neg", [sum])), (z: number) => z],
  ["a sigmoid", linear((b, sum) => b.op("Sigmoid", [sum])), (z: number) => z],
  [
    "a class of sigmoids",
    linear((b, sum) =>
      b.op("Sigmoid", [b.op("Concat", [sum, b.op("Neg", [sum])], { axis: { type: "int", value: 1 } })]),
    ),
    (z: number) => z,
  ],
])("%s falls when what speaks for it is removed", async (_name, model) => {
  const { inputs, leftOut } = await evaluate({
    ort,
    model,
    input: images(3),
    methods: { gradient: { method: "input-x-gradient" } },
    patch: 1,
    steps: 48,
    baseline: "black",
  });
  expect(leftOut).toEqual([]);
  for (const input of inputs) {
    const { numbers, curves } = input["gradient"]!;
    expect(curves.most!.numbers[0]).toBe(1);
    // Input × gradient of a linear function is exact: each step takes the most away that is left.
    for (const [i, share] of curves.most!.numbers.slice(0, 20).entries())
      expect(share).toBeLessThanOrEqual(curves.least!.numbers[i]! + 1e-6);
    expect(numbers.srg).toBeGreaterThan(0);
  }
});

it("a model whose batch is fixed at more than one", async () => {
  const open = convnet("Relu", true);
  const fixed = convnet("Relu", true, [3, 3, 8, 6]);
  const [expected, found] = await Promise.all(
    [open, fixed].map((model) =>
      evaluate({
        ort,
        model,
        input: images(2),
        methods: { lrp: { composite: "epsilon-plus" } },
        steps: 5,
        target: 1,
      }),
    ),
  );
  const { output } = await runModel(open, { input: images(2) });
  expect(output!.dims).toEqual([2, 4]);
  for (const [i, { lrp }] of found!.inputs.entries())
    expect(lrp!.numbers.srg).toBeCloseTo(expected!.inputs[i]!["lrp"]!.numbers.srg!, 5);
});

it("lists of numbers have a cell for each", async () => {
  const model = modelOf((b, x) => b.op("Softmax", [b.op("MatMul", [x, weights(b, [6, 3], 5)])]), ["N", 6]);
  const { inputs } = await evaluate({
    ort,
    model,
    input: { data: Float32Array.of(1, -2, 3, 0.5, -1, 2), dims: [1, 6] },
    methods: { gradient: { method: "input-x-gradient" } },
    baseline: "black",
  });
  expect(inputs[0]!["gradient"]!.curves.most!.removed).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

it("a table, each of its columns by itself", async () => {
  const model = new Uint8Array(
    readFileSync(new URL("../../../../examples/tables/tumours.onnx", import.meta.url)),
  );
  const [, ...rows] = readFileSync(
    new URL("../../../../examples/tables/tumours.csv", import.meta.url),
    "utf8",
  )
    .trim()
    .split("\n");
  const table = rows.slice(0, 12).map((row) => row.split(",").slice(1, 31).map(Number));
  const found = await evaluate({
    ort,
    model,
    input: { data: Float32Array.from(table.flat()), dims: [12, 30] },
    methods: { lrp: { composite: "epsilon" }, random: "random" },
  });
  expect(found.leftOut.map(({ error }) => error.message)).toEqual([]);
  const [lrp] = found.table;
  expect(lrp!.summary!.count).toBe(12);
  expect(lrp!.summary!.mean).toBeGreaterThan(0);
});

it("the mean of one row is that row, so there is none", async () => {
  const model = modelOf((b, x) => b.op("MatMul", [x, weights(b, [6, 3], 5)]), ["N", 6]);
  const given = {
    ort,
    model,
    methods: { noise: "random" },
    input: { data: new Float32Array(6), dims: [1, 6] },
  } as const;
  for (const baseline of ["mean", "noise"] as const)
    await expect(evaluate({ ...given, baseline })).rejects.toThrow(
      "it is taken over all samples, and there is one",
    );
});

/** The mean vector of the tokens that a mask leaves, and two classes: "good" speaks for the first, "bad" for the second. */
function maskedWords(): Model {
  const b = new GraphBuilder();
  const ids = b.input("ids", "int64", ["N", 6]);
  const mask = b.input("mask", "int64", ["N", 6]);
  const words = b.constant(float32Tensor([0, 0, 3, 0, -1, 3, 0.1, 0.1], [4, 2]), "words");
  const vectors = b.op("Gather", [words, ids], { axis: int(0) });
  const shares = b.op("Unsqueeze", [b.op("Cast", [mask], { to: int(1) }), b.integers([2])]);
  const sum = b.op("ReduceSum", [b.op("Mul", [vectors, shares]), b.integers([1])], { keepdims: int(0) });
  b.output(b.op("Softmax", [sum]), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

it("tokens are replaced by the one that hides them, with the model's other inputs as they are", async () => {
  const { table, leftOut, inputs } = await evaluate({
    ort,
    model: maskedWords(),
    input: { data: Float32Array.of(3, 1, 3, 2, 1, 1), dims: [1, 6] },
    // The last "good" is hidden from the network.
    others: { mask: { data: BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 0n), dims: [1, 6] } },
    methods: { gradient: { method: "input-x-gradient" }, random: "random" },
    metrics: ["deletion", "insertion", "srg"],
    baseline: "black",
    black: [0],
    batch: 4,
  });
  expect(leftOut).toEqual([]);
  const { curves } = inputs[0]!["gradient"]!;
  // Two "good", one "bad" and two words of 0.1 each; then without both "good", and without "bad".
  const [whole, noGood, noBad] = [
    [5.2, 3.2],
    [-0.8, 3.2],
    [6.2, 0.2],
  ].map((logits) => softmaxAt(Float32Array.from(logits), 0));
  expect(curves.most!.numbers[2]).toBeCloseTo(noGood! / whole!, 5);
  expect(curves.least!.numbers[1]).toBeCloseTo(noBad! / whole!, 5);
  expect(table.find(({ metric }) => metric === "srg")!.summary!.mean).toBeGreaterThan(0.3);
});

it("refuses what does not exist", async () => {
  const given = {
    ort,
    model: new Uint8Array(digits),
    input: await digitPictures(1),
    methods: { noise: "random" },
  } as const;
  await expect(evaluate({ ...given, reference: "lrp" })).rejects.toThrow("methods are noise");
  await expect(evaluate({ ...given, metrics: ["srgg" as "srg"] })).rejects.toThrow(
    'there is no metric "srgg"',
  );
  await expect(evaluate({ ...given, baseline: "white" as "black" })).rejects.toThrow(
    'there is no baseline "white"',
  );
});
