import { randomNumbers } from "../support/run.ts";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import {
  colormap,
  enlarge,
  legend,
  normalize,
  placeHeatmap,
  renderHeatmap,
  renderOverlay,
  veilUnseen,
} from "../../src/heatmap/index.ts";
import { cssGradient, relevanceText } from "../../src/heatmap/legend.ts";

const pixel = (pixels: ArrayLike<number>, i: number): number[] => Array.from(pixels).slice(4 * i, 4 * i + 4);

describe("normalization", () => {
  test("symmetric keeps zero in the middle", () => {
    const { positions, low, high } = normalize([-1, 0, 4], { normalize: "symmetric" });
    expect([...positions]).toEqual([0.375, 0.5, 1]);
    expect([low, high]).toEqual([-4, 4]);
  });

  test("absolute forgets the sign", () => {
    expect([...normalize([-4, 0, 2], { normalize: "absolute" }).positions]).toEqual([1, 0, 0.5]);
  });

  test("unaligned and min-max spread from the least to the most", () => {
    const expected = normalize([-1, 0, 3], { normalize: "min-max" });
    expect([...expected.positions]).toEqual([0, 0.25, 1]);
    expect(normalize([-1, 0, 3], { normalize: "unaligned" })).toEqual(expected);
  });

  test("level 2 saturates at half the maximum", () => {
    const { positions, high } = normalize([1, 2, 4], { normalize: "symmetric", level: 2 });
    expect([...positions]).toEqual([0.75, 1, 1]);
    expect(high).toBe(2);
  });

  test("percentiles are those of the sorted values", () => {
    for (const [seed, count] of [
      [1, 1],
      [2, 2],
      [3, 7],
      [4, 500],
      [5, 1000],
    ] as const) {
      // Few different values, and many that are the same.
      const values = randomNumbers(count, seed).map((n) => Math.abs(seed % 2 ? n : Math.round(4 * n)));
      const sorted = values.toSorted();
      for (const clip of [51, 75, 99, 99.9]) {
        const expected = sorted[Math.ceil((clip / 100) * count) - 1];
        expect(normalize(values, { normalize: "absolute", clip }).high).toBe(expected);
      }
    }
  });

  test("clip draws what is beyond the percentile as the end of the map", () => {
    const values = Array.from({ length: 100 }, (_, i) => (i === 99 ? 1e6 : i));
    const { positions, high } = normalize(values, { normalize: "absolute", clip: 99 });
    expect(high).toBe(98);
    expect(positions[49]).toBeCloseTo(0.5);
    expect(positions[99]).toBe(1);
  });

  test("relevance that is the same everywhere rests", () => {
    expect([...normalize([0, 0], { normalize: "symmetric" }).positions]).toEqual([0.5, 0.5]);
    expect([...normalize([3, 3], { normalize: "min-max" }).positions]).toEqual([0, 0]);
  });

  test("relevance that is no number is an error", () => {
    expect(() => normalize([0, Number.NaN], { normalize: "symmetric" })).toThrow(InputError);
  });
});

describe("drawing", () => {
  const relevance = { data: [-2, 0, 1, 2], height: 2, width: 2 };

  test("a heatmap has the colours of its map", () => {
    const { data } = renderHeatmap(relevance, { colormap: "bwr", normalize: "symmetric" });
    expect(pixel(data, 0)).toEqual([0, 0, 255, 255]);
    expect(pixel(data, 3)).toEqual([255, 0, 0, 255]);
    expect(pixel(data, 2)).toEqual([255, 128, 128, 255]);
  });

  test("an overlay shows the grey picture where there is no relevance and nine tenths colour where it is most", () => {
    const heatmap = renderHeatmap(relevance, { colormap: "bwr", normalize: "symmetric" });
    const gray = Uint8ClampedArray.from({ length: 16 }, (_, i) => (i % 4 === 3 ? 255 : 100));
    const { data } = renderOverlay({ data: gray, height: 2, width: 2 }, heatmap);
    expect(pixel(data, 1)).toEqual([100, 100, 100, 255]);
    expect(pixel(data, 3)).toEqual([240, 10, 10, 255]);
  });

  test("an overlay needs the picture in the heatmap's size", () => {
    const heatmap = renderHeatmap(relevance, { colormap: "hot", normalize: "min-max" });
    const other = { data: new Uint8ClampedArray(4), height: 1, width: 1 };
    expect(() => renderOverlay(other, heatmap)).toThrow(/1×1 pixels and the heatmap 2×2/);
  });

  test("a heatmap in the whole picture has the same colours, and none where the network saw nothing", () => {
    const heatmap = renderHeatmap(relevance, { colormap: "bwr", normalize: "symmetric" });
    const whole = { left: 0, top: 0, right: 2, bottom: 2 };
    expect(placeHeatmap(heatmap, whole, { width: 2, height: 2 })).toEqual(heatmap);
    const twice = placeHeatmap(heatmap, { ...whole, right: 4, bottom: 4 }, { width: 4, height: 4 });
    expect(twice.data).toEqual(enlarge(heatmap, 2).data);
    const { data, normalized } = placeHeatmap(
      heatmap,
      { left: 1, top: 0, right: 3, bottom: 2 },
      { width: 4, height: 2 },
    );
    expect([...normalized.positions]).toEqual([0.5, 0, 0.5, 0.5, 0.5, 0.75, 1, 0.5]);
    expect(pixel(data, 1)).toEqual([0, 0, 255, 255]);
    expect([normalized.low, normalized.high]).toEqual([-2, 2]);
  });

  test("padding is not drawn, and pixels smaller than the drawing's are averaged", () => {
    const heatmap = renderHeatmap(relevance, { colormap: "bwr", normalize: "symmetric" });
    const boxed = placeHeatmap(heatmap, { left: 0, top: -1, right: 2, bottom: 1 }, { width: 2, height: 1 });
    expect([...boxed.normalized.positions]).toEqual([0.75, 1]);
    const small = placeHeatmap(heatmap, { left: 0, top: 0, right: 1, bottom: 1 }, { width: 1, height: 1 });
    expect(small.normalized.positions[0]).toBeCloseTo((0 + 0.5 + 0.75 + 1) / 4);
  });

  test("gray lies over what the network did not see", () => {
    const data = new Uint8ClampedArray(12).fill(255);
    const veiled = veilUnseen({ data, width: 3, height: 1 }, { left: 0.6, top: 0, right: 2.4, bottom: 1 });
    expect([0, 1, 2].map((i) => pixel(veiled.data, i)[0])).toEqual([179, 255, 179]);
    expect(data[0]).toBe(255);
  });

  test("a legend has numbers and says what red and blue mean", () => {
    const heatmap = renderHeatmap(relevance, { colormap: "bwr", normalize: "symmetric" });
    const { ticks, sentence } = legend(heatmap, "symmetric", "tabby cat");
    expect(ticks.map((tick) => tick.text)).toEqual(["−2", "0", "2"]);
    expect(sentence).toBe("Red speaks for “tabby cat”, blue against it.");
  });

  test("a legend of no relevance says so", () => {
    const heatmap = renderHeatmap(
      { ...relevance, data: [0, 0, 0, 0] },
      { colormap: "bwr", normalize: "symmetric" },
    );
    expect(legend(heatmap, "symmetric").sentence).toMatch(/the same everywhere/);
    expect(legend(heatmap, "symmetric").ticks).toHaveLength(1);
  });

  test("relevance is written in three digits", () => {
    expect([0, 0.12345, -3.1e-7, 123.4].map(relevanceText)).toEqual(["0", "0.123", "−3.1e-7", "123"]);
  });

  test("a gradient begins and ends as its map", () => {
    expect(cssGradient(colormap("afmhot"))).toMatch(
      /^linear-gradient\(to right, rgb\(0 0 0\), .*rgb\(255 255 255\)\)$/,
    );
  });
});
