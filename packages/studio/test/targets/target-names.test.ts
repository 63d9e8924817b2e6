import { expect, test } from "vitest";
import type { Explained } from "@relprop/engine/engine";
import {
  amountText,
  bestText,
  canContrast,
  fixedText,
  numberWord,
  percentText,
  plainText,
  targetAfterClick,
  targetLabel,
  usualTargetText,
} from "../../src/parts/target-names.ts";

const names = ["cat", "dog", "猫"];
const explained = (change: Partial<Explained> = {}): Explained => ({
  isWhole: false,
  isLength: false,
  numbers: { index: 1 },
  elements: 1,
  start: 1,
  ...change,
});

test("a target in words, with the class that was found where none is named", () => {
  expect(targetLabel({ kind: "prediction" }, names)).toBeUndefined();
  expect(targetLabel({ kind: "prediction" }, names, explained({ isWhole: true }))).toBeUndefined();
  expect(targetLabel({ kind: "prediction" }, names, explained())).toBe("dog");
  expect(targetLabel({ kind: "prediction" }, [], explained({ isLength: true, elements: 16 }))).toBe("length");
  expect(targetLabel({ kind: "class", index: 7 }, names)).toBe("class 7");
  expect(targetLabel({ kind: "contrast", index: 0, against: 2 }, names)).toBe("cat rather than 猫");
  expect(targetLabel({ kind: "where", index: 0 }, names)).toBe("cat where it wins");
  expect(targetLabel({ kind: "pixel", x: 1, y: 2 }, names)).toBe("the pixel at 1, 2");
  expect(targetLabel({ kind: "pixel", x: 1, y: 2 }, names, explained())).toBe("dog at 1, 2");
  expect(targetLabel({ kind: "pixel", x: 1, y: 2, index: 0 }, names, explained())).toBe("cat at 1, 2");
  expect(targetLabel({ kind: "box", rank: 3 }, names)).toBe("box 3");
  expect(targetLabel({ kind: "box", rank: 3 }, names, explained())).toBe("box 3, dog");
  expect(targetLabel({ kind: "elements", text: "0,1" }, names, explained())).toBe("element 0,1");
});

test("an amount is a probability only where there is one", () => {
  const card = {};
  expect(amountText({ probability: 0.25, logit: 3, value: 9 }, { card })).toBe("25%");
  expect(amountText({ value: -1.23456 }, { card })).toBe("−1.235");
  expect(amountText({ value: 31.5 }, { card: { unit: "years" } })).toBe("31.5 years");
  expect(amountText({ logit: -2 }, { card })).toBe("logit −2");
  expect(amountText({}, { card })).toBe("");
});

test("numbers have one kind of minus, and zero has none", () => {
  expect([plainText(-1e-7), plainText(-0.5), plainText(0)]).toEqual(["−1e−7", "−0.5", "0"]);
  expect([fixedText(-0.001), fixedText(-0.12), fixedText(3), fixedText(-7.04, 1)]).toEqual([
    "0.00",
    "−0.12",
    "3.00",
    "−7.0",
  ]);
  expect([percentText(0), percentText(0.0004), percentText(0.5), percentText(1)]).toEqual([
    "< 0.1%",
    "< 0.1%",
    "50%",
    "100%",
  ]);
});

test("an answer in words: the best of a list, else what was explained of it", () => {
  const model = { names, card: {} };
  expect(bestText({ top: [{ index: 2, probability: 0.5 }] }, model)).toBe("猫 50%");
  expect(bestText({ top: [] }, model)).toBe("");
  expect(
    bestText({ top: [], explained: explained({ numbers: { index: 0, probability: 0.5 } }) }, model),
  ).toBe("cat 50%");
  expect(bestText({ top: [], explained: explained({ numbers: { value: 3 } }) }, model)).toBe("3");
  const embedding = { names: [], card: {}, facts: { kind: "embedding" } } as const;
  const length = explained({ isLength: true, numbers: { value: 2 }, elements: 16 });
  expect(bestText({ top: [], explained: length }, embedding)).toBe("length 2");
});

test("what numbers are called and whether they can be compared", () => {
  expect(
    [undefined, { kind: "classes" }, { kind: "values" }, { kind: "scores" }].map((facts) =>
      numberWord(facts as never),
    ),
  ).toEqual(["class", "class", "value", "number"]);
  expect(canContrast({ names, card: {} })).toBe(true);
  expect(canContrast({ names: ["no", "yes"], card: {}, facts: { kind: "binary" } })).toBe(false);
  expect(canContrast({ names: ["value"], card: {}, facts: { kind: "values" } })).toBe(false);
});

test("a click on a bar explains it, goes back, or compares", () => {
  const click = targetAfterClick;
  expect(click({ kind: "prediction" }, 2, false, 1)).toEqual({ kind: "class", index: 2 });
  expect(click({ kind: "class", index: 2 }, 2, false, 1)).toEqual({ kind: "prediction" });
  expect(click({ kind: "prediction" }, 2, true, 1)).toEqual({ kind: "contrast", index: 2, against: 1 });
  expect(click({ kind: "class", index: 0 }, 2, true, 1)).toEqual({ kind: "contrast", index: 2, against: 0 });
  expect(click({ kind: "prediction" }, 1, true, 1)).toEqual({ kind: "class", index: 1 });
  expect(click({ kind: "prediction" }, 1, true, undefined)).toEqual({ kind: "class", index: 1 });
});

const words = (kind: string, isWhole = false): string =>
  usualTargetText({ facts: { kind } as never }, isWhole);

test("what is usual, as a button", () => {
  expect(words("classes", true)).toBe("Whole prediction");
  expect(
    ["classes", "multi-label", "scores", "values", "binary", "embedding"].map((kind) => words(kind)),
  ).toEqual(["Best class", "Best class", "Highest number", "Its value", "Its value", "Its length"]);
});
