import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { Explainer, type CompositeName } from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { parseModelCard } from "@relprop/core/zoo";
import { expect, test } from "vitest";
import type { Picture, Target } from "../src/engine.ts";
import { ModelRunner } from "../src/model-runner.ts";
import { readSource } from "../src/read-source.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const digits = await readFile(path("studio/public/models/digits.onnx"));
const card = parseModelCard(
  JSON.parse(await readFile(path("studio/public/models/digits.card.json"), "utf8")),
);
const convnet = await readFile(path("relprop/test/golden/convnet/model.onnx"));

const start = async (): Promise<ModelRunner> =>
  new ModelRunner("digits", await readSource("digits.onnx", digits, card), { ort });

const bars: Picture = {
  data: Uint8ClampedArray.from({ length: 4 * 28 * 28 }, (_, i) => (Math.floor(i / 4) % 28 === 14 ? 255 : 0)),
  width: 28,
  height: 28,
};

test("the shipped model loads with its card, its plan and its fitting composite", async () => {
  const { loaded } = await start();
  expect(loaded).toMatchObject({ classes: 10, size: [28, 28], guesses: [], composite: "fischer" });
  expect(loaded.plan.length).toBeGreaterThan(5);
});

test("relevance, logits and ranking are those of the library's Explainer", async () => {
  const runner = await start();
  const request = {
    picture: bars,
    composite: "epsilon-plus",
    target: { kind: "class", index: 1 },
    keep: 0,
  } as const;
  const result = await runner.explain(request);
  const explainer = new Explainer({
    ort,
    model: digits,
    composite: "epsilon-plus",
    reduce: "channels",
    labelCount: 10,
  });
  const expected = await explainer.explain(preprocess([bars], card.input), { target: 1 });
  expect(result.relevance.data).toEqual(expected.relevance.data);
  expect(result.top.slice(0, 5)).toEqual(expected.top[0]);
  expect(result.numbers.logits).toEqual(expected.explained.data);
  expect(result.explained).toMatchObject({ isWhole: false, elements: 1, start: expected.start[0] });
  expect(result.explained.numbers).toEqual(
    expected.top[0]?.find(({ index }) => index === 1) ?? expect.anything(),
  );
  await explainer.dispose();
  await runner.dispose();
});

test.each<[CompositeName, number]>([
  ["epsilon-plus", 0],
  ["epsilon", 0.2],
])(
  "the best five classes come with one pass, as each comes alone: %s, filter %s",
  async (composite, keep) => {
    const runner = await start();
    const request = { picture: bars, composite, keep, target: { kind: "prediction" } } as const;
    const best = await runner.explainBest(request);
    const sizes: number[] = [];
    const { top } = await runner.explain(request);
    expect(best.map(({ explained }) => explained.numbers.index)).toEqual(
      top.slice(0, 5).map(({ index }) => index),
    );
    for (const { explained, relevance, ...rest } of best) {
      const index = explained.numbers.index as number;
      const target = { kind: "class", index } as const;
      const alone = await runner.explain({ ...request, target });
      expect(explained).toEqual(alone.explained);
      expect(rest).toMatchObject({ numbers: alone.numbers, top: alone.top });
      const largest = Math.max(...alone.relevance.data.map(Math.abs));
      const far = relevance.data.map((R, i) => Math.abs(R - (alone.relevance.data[i] as number)));
      sizes.push(largest);
      expect(Math.max(...far)).toBeLessThanOrEqual(1e-6 * largest);
    }
    // The filter may leave nothing of a class, but not of all.
    expect(Math.max(...sizes)).toBeGreaterThan(0);
    await runner.dispose();
  },
);

test("a model that takes one picture at a time gives no classes together", async () => {
  const source = await readSource("digits.onnx", digits, card);
  const { graph } = source.model;
  const inputs = graph.inputs.map((input) => ({ ...input, shape: input.shape.with(0, 1) }));
  const fixed = { ...source, model: { ...source.model, graph: { ...graph, inputs } } };
  const runner = new ModelRunner("digits", fixed, { ort });
  const request = {
    picture: bars,
    composite: "epsilon-plus",
    keep: 0,
    target: { kind: "prediction" },
  } as const;
  expect(await runner.explainBest(request)).toEqual([]);
  await runner.dispose();
});

test("a contrast explains the difference of two logits", async () => {
  const runner = await start();
  const ask = async (target: Parameters<typeof runner.explain>[0]["target"]): Promise<Float32Array> =>
    (await runner.explain({ picture: bars, composite: "epsilon", target, keep: 0 })).relevance.data;
  const one = await ask({ kind: "class", index: 1 });
  const seven = await ask({ kind: "class", index: 7 });
  const both = await ask({ kind: "contrast", index: 1, against: 7 });
  const largest = Math.max(...both.map(Math.abs));
  for (const [i, value] of both.entries()) {
    expect(Math.abs(value - ((one[i] ?? 0) - (seven[i] ?? 0)))).toBeLessThan(1e-4 * largest);
  }
  await runner.dispose();
});

test("the relevance filter keeps less of the picture", async () => {
  const runner = await start();
  const count = async (keep: number): Promise<number> => {
    const { relevance } = await runner.explain({
      picture: bars,
      composite: "fischer",
      target: { kind: "prediction" },
      keep,
    });
    return relevance.data.filter((value) => value !== 0).length;
  };
  expect(await count(0.02)).toBeLessThan(await count(0));
  await runner.dispose();
});

test("pictures in batches score what single ones do: a logit, a difference, the weighted prediction", async () => {
  const runner = await start();
  const black = { ...bars, data: new Uint8ClampedArray(bars.data.length) };
  const pictures = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? bars : black));
  const scores = (target: Target): Promise<Float32Array> =>
    runner.scores({ pictures, target, reference: bars });
  const { logits, probabilities } = await runner.answer(bars);
  const at = (index: number): number => logits?.[index] ?? Number.NaN;
  const one = await scores({ kind: "class", index: 1 });
  expect(one).toHaveLength(40);
  expect(one[38]).toBeCloseTo(at(1), 4);
  expect(one[39]).toBeCloseTo((await runner.answer(black)).logits?.[1] ?? Number.NaN, 4);
  expect((await scores({ kind: "contrast", index: 1, against: 7 }))[0]).toBeCloseTo(at(1) - at(7), 4);
  const whole = probabilities?.reduce((sum, p, i) => sum + p * at(i), 0);
  expect((await scores({ kind: "prediction" }))[0]).toBeCloseTo(whole ?? Number.NaN, 4);
  await runner.dispose();
});

test("many composites one after another keep few sessions and still answer", async () => {
  const runner = await start();
  const names = [
    "epsilon",
    "gamma",
    "zplus",
    "flat",
    "wsquare",
    "alpha-beta",
    "gradient",
    "epsilon-gamma-box",
    "epsilon",
  ] as const;
  for (const composite of names) {
    const { relevance } = await runner.explain({
      picture: bars,
      composite,
      target: { kind: "class", index: 1 },
      keep: 0,
    });
    expect(
      relevance.data.some((value) => value !== 0),
      composite,
    ).toBe(true);
  }
  await runner.dispose();
});

test("a foreign model without a card is read and what was guessed is said", async () => {
  const runner = new ModelRunner("convnet.onnx", await readSource("convnet.onnx", convnet), { ort });
  expect(runner.loaded.guesses.length).toBeGreaterThan(0);
  const [height, width] = runner.loaded.size;
  const picture = { data: new Uint8ClampedArray(4 * height * width).fill(90), width, height };
  const { relevance } = await runner.explain({
    picture,
    composite: runner.loaded.composite,
    target: { kind: "prediction" },
    keep: 0,
  });
  expect(relevance.data).toHaveLength(height * width);
  await runner.dispose();
});

test.each([
  ["a broken model", "broken.onnx", /cannot read "broken.onnx"/],
  ["a text", "notes.txt", /neither a picture nor a model/],
])("%s is refused with words", async (_what, name, words) => {
  await expect(readSource(name, new TextEncoder().encode("not a model at all"))).rejects.toThrow(words);
});
