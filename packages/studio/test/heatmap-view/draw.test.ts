import { expect, test } from "vitest";
import { compose, filterSign, ninths, summary, type DrawSettings } from "../../src/heatmap-view/index.ts";

const view: DrawSettings = {
  colormap: "bwr",
  normalize: "symmetric",
  clip: 100,
  opacity: 1,
  sign: "both",
  mode: "overlay",
};
const gray = { data: new Uint8ClampedArray([100, 100, 100, 255, 100, 100, 100, 255]), width: 2, height: 1 };
const map = { data: Float32Array.of(1, -1), height: 1, width: 2 };

test("in an overlay relevance for the class is red, against it blue, none is the grey picture", () => {
  const { pixels } = compose(gray, map, view);
  expect([...pixels.data]).toEqual([255, 0, 0, 255, 0, 0, 255, 255]);
  const none = compose(gray, { ...map, data: Float32Array.of(1, 0) }, view);
  expect(Array.from(none.pixels.data.subarray(4))).toEqual([100, 100, 100, 255]);
});

test("opacity 0 leaves the grey picture", () => {
  expect([...compose(gray, map, { ...view, opacity: 0 }).pixels.data]).toEqual([...gray.data]);
});

test("side by side shows the picture, a gap and the map", () => {
  const { pixels } = compose(gray, map, { ...view, mode: "side" });
  expect([pixels.width, pixels.height]).toEqual([5, 1]);
  expect(Array.from(pixels.data.subarray(0, 8))).toEqual([...gray.data]);
  expect(Array.from(pixels.data.subarray(8, 12))).toEqual([0, 0, 0, 0]);
  expect(Array.from(pixels.data.subarray(12))).toEqual([255, 0, 0, 255, 0, 0, 255, 255]);
});

test("the sign filter drops the other sign", () => {
  expect([...filterSign([1, -2, 0], "for")]).toEqual([1, 0, 0]);
  expect([...filterSign([1, -2, 0], "against")]).toEqual([0, -2, 0]);
  expect([...filterSign([1, -2, 0], "both")]).toEqual([1, -2, 0]);
});

test("the legend says what red and blue speak for", () => {
  expect(compose(gray, map, view, "tabby cat").legend.sentence).toBe(
    "Red speaks for “tabby cat”, blue against it.",
  );
});

test("the nine shares sum to one and lie where the relevance is", () => {
  const data = new Float32Array(81);
  data[0] = 3;
  data[80] = -1;
  const all = ninths({ data, height: 9, width: 9 });
  expect(all[0]).toEqual({ name: "upper left", for: 0.75, against: 0 });
  expect(all[8]).toEqual({ name: "lower right", for: 0, against: 0.25 });
  expect(all.map(({ name }) => name)[4]).toBe("centre");
  expect(all.reduce((sum, each) => sum + each.for + each.against, 0)).toBeCloseTo(1);
});

test("a heatmap is told in one sentence", () => {
  const data = new Float32Array(81);
  data[0] = 3;
  data[80] = -1;
  expect(summary({ data, height: 9, width: 9 }, "3")).toBe(
    "Relevance for “3”: 75 % upper left; 25 % against it, mostly lower right.",
  );
  expect(summary({ data: new Float32Array(81), height: 9, width: 9 })).toBe(
    "No relevance for the prediction: the pixels gave it no evidence.",
  );
});
