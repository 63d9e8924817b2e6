import { renderHeatmap } from "@relprop/core/heatmap";
import { pictureFrame, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import { expect, test } from "vitest";
import { drawWhole } from "../../src/pages/whole-picture.ts";
import { filmViews, frameDrawer, steadyHeatmaps } from "../../src/films/draw-frame.ts";

const coloring = { colormap: "bwr", normalize: "symmetric", level: 1, clip: 100 } as const;

test("a heatmap lies on the whole frame where the crop was, and a veil beside it", () => {
  const data = new Float32Array(16 * 16);
  // Strongest in the upper left quarter of what the network saw.
  for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) data[16 * y + x] = 1;
  const heatmap = renderHeatmap({ data, width: 16, height: 16 }, coloring);
  // The crop is the middle: 40 to 120 of 160.
  const geometry = pictureFrame(160, 80, resizePlan(160, 80, { size: [16, 16], resize: { shortSide: 16 } }));
  const frame = { data: new Uint8ClampedArray(4 * 160 * 80).fill(200), width: 160, height: 80 };
  const drawn = frameDrawer(frame, geometry, "side-by-side")(frame, heatmap);
  expect([drawn.width, drawn.height]).toEqual([320, 80]);
  const pixel = (x: number, y: number): number[] => [
    ...drawn.data.subarray(4 * (320 * y + x), 4 * (320 * y + x) + 3),
  ];
  expect(pixel(60, 20)).toEqual([200, 200, 200]);
  expect(pixel(160 + 100, 20)).toEqual([200, 200, 200]);
  const [veiled = 0] = pixel(160 + 20, 20);
  expect(veiled).toBeLessThan(160);
  const [red = 0, green = 0] = pixel(160 + 60, 20);
  expect(red).toBeGreaterThan(200);
  expect(green).toBeLessThan(60);
});

const isSame = (a: Uint8ClampedArray, c: Uint8ClampedArray): boolean => Buffer.from(a).equals(Buffer.from(c));

const cards = {
  "enlarged, cropped": [90, 50, { size: [16, 16], resize: { shortSide: 20 } }],
  "made smaller, cropped": [37, 81, { size: [16, 16], resize: { shortSide: 16 } }],
  padded: [61, 23, { size: [16, 16], resize: { letterbox: [9, 9, 9] } }],
  stretched: [16, 33, { size: [16, 16], resize: "exact" }],
} as const;

test.each(Object.entries(cards))(
  "%s: each view is as pictures are drawn, to the bit",
  (_, [width, height, card]) => {
    const geometry = pictureFrame(width, height, resizePlan(width, height, card as InputCard));
    const colorings = [coloring, { ...coloring, colormap: "afmhot", normalize: "min-max" } as const];
    let seed = 7;
    const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (const colors of colorings) {
      const relevance = Float32Array.from(
        { length: 256 },
        () => Math.max(0, random() - 0.4) * (random() - 0.3),
      );
      const heatmap = renderHeatmap({ data: relevance, width: 16, height: 16 }, colors);
      for (const box of [undefined, { left: -1, top: 3.4, right: 15, bottom: 20 }]) {
        const data = Uint8ClampedArray.from({ length: 4 * width * height }, () => 256 * random());
        const whole = { data, width, height };
        const drawn = drawWhole({ whole, geometry }, heatmap, box);
        const wanted = { overlay: drawn.overlay(), heatmap: drawn.heatmap };
        for (const view of filmViews) {
          const draw = frameDrawer(whole, geometry, view);
          const got = draw({ ...whole, data: data.slice() }, heatmap, box);
          if (view !== "side-by-side") {
            expect(isSame(got.data, wanted[view].data)).toBe(true);
            continue;
          }
          for (let y = 0; y < height; y++) {
            const at = 8 * width * y;
            const [left, middle] = [4 * width * y, at + 4 * width];
            expect(isSame(got.data.slice(at, middle), data.slice(left, left + 4 * width))).toBe(true);
            const right = wanted.overlay.data.slice(left, left + 4 * width);
            expect(isSame(got.data.slice(middle, at + 8 * width), right)).toBe(true);
          }
        }
      }
    }
  },
);

test("colours follow slowly what the frames are alone", () => {
  const steady = steadyHeatmaps({ ...coloring, colormap: "bwr" });
  const ends = [1, 1, 3, 1, 1, 1].map((strength, i) => {
    const map = { data: Float32Array.of(strength, -strength / 2), width: 2, height: 1 };
    return steady(map, i / 25).normalized.high;
  });
  const [first = 0] = ends;
  expect(first).toBe(1);
  for (const end of ends) expect(Math.abs(end - first)).toBeLessThan(0.2);
});
