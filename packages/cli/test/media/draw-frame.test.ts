import { renderHeatmap } from "@relprop/core/heatmap";
import { pictureFrame, resizePlan } from "@relprop/core/preprocess";
import { expect, test } from "vitest";
import { drawFrame, steadyHeatmaps } from "../../src/films/draw-frame.ts";

const coloring = { colormap: "bwr", normalize: "symmetric", level: 1, clip: 100 } as const;

test("a heatmap lies on the whole frame where the crop was, and a veil beside it", () => {
  const data = new Float32Array(16 * 16);
  // Strongest in the upper left quarter of what the network saw.
  for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) data[16 * y + x] = 1;
  const heatmap = renderHeatmap({ data, width: 16, height: 16 }, coloring);
  // The crop is the middle: 40 to 120 of 160.
  const geometry = pictureFrame(160, 80, resizePlan(160, 80, { size: [16, 16], resize: { shortSide: 16 } }));
  const frame = { data: new Uint8ClampedArray(4 * 160 * 80).fill(200), width: 160, height: 80 };
  const drawn = drawFrame(frame, heatmap, geometry, "side-by-side");
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
