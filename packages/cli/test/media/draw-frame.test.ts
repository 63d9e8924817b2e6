import { renderHeatmap } from "@relprop/core/heatmap";
import { resizePlan } from "@relprop/core/preprocess";
import { describe, expect, test } from "vitest";
import { drawFrame, onFrame } from "../../src/films/draw-frame.ts";

const coloring = { colormap: "bwr", normalize: "symmetric", level: 1, clip: 100 } as const;
const gray = (width: number, height: number) => ({
  data: new Uint8ClampedArray(4 * width * height).fill(128),
  width,
  height,
});

describe("a heatmap on the whole frame", () => {
  test("of the network's own size is the same", () => {
    const map = { data: Float32Array.from({ length: 16 }, (_, i) => i - 7), width: 4, height: 4 };
    const heatmap = renderHeatmap(map, coloring);
    const drawn = onFrame(heatmap, resizePlan(4, 4, { size: [4, 4], resize: "exact" }), 4, 4);
    expect([...drawn.data]).toEqual([...heatmap.data]);
  });

  test("lies where the crop was, and nothing beside it", () => {
    const data = new Float32Array(16 * 16);
    // Strongest in the upper left quarter of what the network saw.
    for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) data[16 * y + x] = 1;
    const heatmap = renderHeatmap({ data, width: 16, height: 16 }, coloring);
    const plan = resizePlan(160, 80, { size: [16, 16], resize: { shortSide: 16 } });
    const positions = [...onFrame(heatmap, plan, 160, 80).normalized.positions];
    const at = (x: number, y: number): number => positions[160 * y + x] ?? 0;
    // The crop is the middle: 40 to 120 of 160.
    expect(at(20, 20)).toBe(0.5);
    expect(at(60, 20)).toBe(1);
    expect(at(100, 20)).toBe(0.5);
    expect(at(60, 70)).toBe(0.5);
    const drawn = drawFrame(gray(160, 80), heatmap, plan, "side-by-side");
    expect([drawn.width, drawn.height]).toEqual([320, 80]);
    const pixel = (x: number, y: number): number[] => [
      ...drawn.data.subarray(4 * (320 * y + x), 4 * (320 * y + x) + 3),
    ];
    expect(pixel(60, 20)).toEqual([128, 128, 128]);
    expect(pixel(160 + 20, 20)).toEqual([128, 128, 128]);
    const [red = 0, green = 0] = pixel(160 + 60, 20);
    expect(red).toBeGreaterThan(200);
    expect(green).toBeLessThan(60);
  });
});
