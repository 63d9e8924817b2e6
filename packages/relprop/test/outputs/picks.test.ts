/** What is picked of an answer carries its own class, and the numbers that relevance starts with. */

import { describe, expect, test } from "vitest";
import { pickAnswer, type OutputFacts, type PickRequest, type RunSource } from "../../src/index.ts";

const tensor = (data: readonly number[], dims: readonly number[]) => ({
  data: Float32Array.from(data),
  dims,
});
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const facts = (some: Partial<OutputFacts> & Pick<OutputFacts, "kind">): OutputFacts => ({
  why: "said so",
  scale: { kind: "probability", by: "sigmoid" },
  isOrdered: true,
  isRanked: false,
  shape: [],
  batchAxis: 0,
  classAxis: 1,
  placeAxes: [],
  isVocabulary: false,
  ...some,
});
const source = (some: OutputFacts, logits: readonly number[], dims: readonly number[]): RunSource => ({
  facts: { ...some, shape: dims },
  explained: tensor(logits, dims),
  values: tensor(logits.map(sigmoid), dims),
  outputs: {},
});
const pick = (from: RunSource, request: PickRequest) =>
  pickAnswer(from, 0, request, { size: [4, 4], nameOf: (index) => `class ${index}` });

// Of two classes, on 2 × 2 places; class 1 wins at the places 1 and 3.
const map = source(
  facts({ kind: "map", placeAxes: [2, 3], scale: { kind: "probability", by: "softmax" } }),
  [3, -1, 2, 0, 1, 4, -2, 0.5],
  [1, 2, 2, 2],
);

describe("a map", () => {
  test("where a class wins: that class, and the sum of its logits there", () => {
    const { numbers, elements, target } = pick(map, { kind: "where", index: 1 });
    expect(numbers).toEqual({ index: 1, logit: 4.5 });
    expect(elements).toBe(2);
    expect([...target.data]).toEqual([0, 0, 0, 0, 0, 1, 0, 1]);
  });
  test("a pixel: the class that wins there, or the one that is named", () => {
    expect(pick(map, { kind: "pixel", x: 3, y: 0 }).numbers).toMatchObject({ index: 1, logit: 4 });
    expect(pick(map, { kind: "pixel", x: 3, y: 0, index: 0 }).numbers).toMatchObject({ index: 0, logit: -1 });
  });
  test("one element has its class, several have none", () => {
    expect(pick(map, { kind: "elements", text: "0,1,1,0" }).numbers).toMatchObject({ index: 1, logit: -2 });
    expect(pick(map, { kind: "elements", text: "0,:,1,0" }).numbers).toEqual({ logit: 0 });
  });
});

describe("an embedding", () => {
  const own = facts({ kind: "embedding", scale: { kind: "value", by: undefined } as OutputFacts["scale"] });
  const explained = tensor([3, -4], [1, 2]);
  const embedding: RunSource = {
    facts: { ...own, shape: [1, 2] },
    explained,
    values: explained,
    outputs: {},
  };
  test("has a length, which is no class", () => {
    const { numbers, target } = pick(embedding, { kind: "length" });
    expect(numbers).toEqual({ value: 5 });
    expect(target.data[0]).toBeCloseTo(0.6);
    expect(target.data[1]).toBeCloseTo(-0.8);
  });
  test("a feature is a value, without a logit", () => {
    expect(pick(embedding, { kind: "elements", text: "0,1" }).numbers).toEqual({ index: 1, value: -4 });
  });
});

test("a yes-or-no question: no is the negative of yes", () => {
  const binary = source(facts({ kind: "binary" }), [-2], [1, 1]);
  const no = pick(binary, { kind: "class", index: 0 });
  expect(no.numbers).toMatchObject({ index: 0, logit: 2 });
  expect(no.numbers.probability).toBeCloseTo(1 - sigmoid(-2));
  expect([...no.target.data]).toEqual([-1]);
});
