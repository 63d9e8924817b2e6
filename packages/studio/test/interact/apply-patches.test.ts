import { describe, expect, test } from "vitest";
import { applyPatches, fillOf, meanColor } from "../../src/modes/interact/apply-patches.ts";
import { fills, type Fill, type Patches } from "../../src/modes/interact/patches.ts";
import type { Picture } from "@relprop/engine/engine";

const side = 24;

/** Left half dark red, right half light blue. */
const picture: Picture = {
  data: Uint8ClampedArray.from({ length: 4 * side * side }, (_, i) => {
    const isLeft = Math.floor(i / 4) % side < side / 2;
    return (isLeft ? [100, 0, 0, 255] : [0, 100, 200, 255])[i % 4] ?? 0;
  }),
  width: side,
  height: side,
};

const at = ({ data, width }: Picture, x: number, y: number): number[] => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
];

const square = (fill: Fill, x = 12, y = 12, size = 6): Patches => [{ id: 1, fill, size, points: [{ x, y }] }];

describe("patches on a picture", () => {
  test("no patches give the very picture", () => {
    expect(applyPatches(picture, [])).toBe(picture);
  });

  test.each(fills)("a patch of %s changes its own pixels only and leaves the original alone", (fill) => {
    const before = Uint8ClampedArray.from(picture.data);
    const other = fillOf(picture, "white");
    const patched = applyPatches(picture, square(fill), other);
    expect(picture.data).toEqual(before);
    let inside = 0;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const differs = at(patched, x, y).some((value, i) => value !== at(picture, x, y)[i]);
        const isInside = x >= 9 && x < 15 && y >= 9 && y < 15;
        if (!isInside) expect(differs, `${x},${y}`).toBe(false);
        else if (differs) inside++;
        expect(at(patched, x, y)[3]).toBe(255);
      }
    }
    expect(inside).toBeGreaterThan(20);
  });

  test("mean is the mean of the whole picture, black and white are that", () => {
    expect(meanColor(picture)).toEqual([50, 50, 100]);
    expect(at(applyPatches(picture, square("mean")), 12, 12)).toEqual([50, 50, 100, 255]);
    expect(at(applyPatches(picture, square("black")), 12, 12)).toEqual([0, 0, 0, 255]);
    expect(at(applyPatches(picture, square("white")), 12, 12)).toEqual([255, 255, 255, 255]);
  });

  test("noise is the same each time, spread evenly, and gray on gray pictures", () => {
    expect(applyPatches(picture, square("noise"))).toEqual(applyPatches({ ...picture }, square("noise")));
    const noisy = fillOf(fillOf(picture, "mean"), "noise");
    const [red, green, blue] = meanColor(noisy);
    for (const mean of [red, green, blue]) expect(Math.abs(mean - 127.5)).toBeLessThan(12);
    const gray = fillOf(fillOf(picture, "black"), "noise");
    expect(gray.data.every((value, i) => i % 4 === 3 || value === gray.data[i - (i % 4)])).toBe(true);
  });

  test("blur keeps flat places and mixes at edges", () => {
    const blurred = fillOf(picture, "blur");
    expect(at(blurred, 0, 12)).toEqual([100, 0, 0, 255]);
    expect(at(blurred, side - 1, 3)).toEqual([0, 100, 200, 255]);
    const [red = 0, green = 0] = at(blurred, 12, 12);
    expect(red).toBeGreaterThan(20);
    expect(green).toBeGreaterThan(20);
  });

  test("an image patch shows the other picture, or black without one", () => {
    const other = fillOf(picture, "white");
    expect(at(applyPatches(picture, square("image"), other), 12, 12)).toEqual([255, 255, 255, 255]);
    expect(at(applyPatches(picture, square("image")), 12, 12)).toEqual([0, 0, 0, 255]);
  });

  test("the later patch covers the earlier; a patch over the edge is cut off", () => {
    const patches: Patches = [...square("black"), { ...square("white", 0, 0, 100)[0]!, id: 2 }];
    const patched = applyPatches(picture, patches);
    expect(at(patched, 0, 0)).toEqual([255, 255, 255, 255]);
    expect(at(patched, 12, 12)).toEqual([255, 255, 255, 255]);
    expect(applyPatches(picture, square("black", -50, -50, 3)).data).toEqual(picture.data);
  });
});
