import { expect, test } from "vitest";
import { pixelBounds, withPixelBounds } from "../../src/cards/pixel-bounds.ts";
import { imageNetPixels } from "../../src/cards/model-card.ts";
import { caffePixels } from "../../src/zoo/architectures/vgg.ts";

const box = { composite: "epsilon-gamma-box" } as const;

test("bounds are what the darkest and the brightest pixel become, channel by channel", () => {
  const { low, high } = pixelBounds(imageNetPixels);
  expect((low as number[]).map((n) => n.toFixed(4))).toEqual(["-2.1179", "-2.0357", "-1.8044"]);
  expect((high as number[]).map((n) => n.toFixed(4))).toEqual(["2.2489", "2.4286", "2.6400"]);
  expect(pixelBounds(caffePixels)).toEqual({
    low: caffePixels.mean.map((mean) => -mean),
    high: caffePixels.mean.map((mean) => 255 - mean),
  });
});

test("bounds that are the same in all channels are one number", () => {
  expect(pixelBounds({ scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] })).toEqual({ low: 0, high: 1 });
  expect(pixelBounds({ scale: 1, mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] })).toEqual({
    low: -1,
    high: 1,
  });
});

const input = { scale: 1 / 255, mean: [0.5], std: [0.5] };

test.each([
  [box, { low: -1, high: 1 }],
  [
    { ...box, low: -3 },
    { low: -3, high: 1 },
  ],
  [
    { ...box, low: -3, high: [3] },
    { low: -3, high: [3] },
  ],
  [{ rules: [{ pattern: "first", rule: "zbox" }] }, { low: -1, high: 1 }],
])("%j takes the card's bounds where it has none", (options, bounds) => {
  expect(withPixelBounds(options, input)).toEqual({ ...options, ...bounds });
});

test.each([
  [{ composite: "epsilon-plus" }],
  [{ rules: [{ pattern: "first", rule: "zbox(low=-2,high=2)" }] }],
  [{ composite: { extends: "epsilon-plus", rules: { first: { rule: "zbox", low: 0, high: 5 } } } } as const],
])("%j has or needs no bounds, and stays as it is", (options) => {
  expect(withPixelBounds(options, input)).toBe(options);
});

test("without a card nothing is known", () => {
  expect(withPixelBounds(box, undefined)).toBe(box);
});
