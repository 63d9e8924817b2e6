import { expect, test } from "vitest";
import { FlashGuard, guardCells } from "../../src/heatmap-view/flash-guard.ts";

type Rgb = readonly [number, number, number];

function picture(color: Rgb, share = 1, rest: Rgb = [0, 0, 0]): Uint8ClampedArray {
  const cells = guardCells * guardCells;
  const pixels = new Uint8ClampedArray(4 * cells);
  for (let i = 0; i < cells; i++) pixels.set([...(i < share * cells ? color : rest), 255], 4 * i);
  return pixels;
}

/** The times, in milliseconds, of pictures that were shown and differ from the one shown before. */
function shownChanges(pictures: readonly Uint8ClampedArray[], interval: number): number[] {
  const guard = new FlashGuard();
  const times: number[] = [];
  let shown: Uint8ClampedArray | undefined;
  for (const [i, pixels] of pictures.entries()) {
    if (!guard.allows(pixels, i * interval)) continue;
    if (shown !== undefined && pixels.some((value, j) => value !== shown?.[j])) times.push(i * interval);
    shown = pixels;
  }
  return times;
}

const alternating = (a: Uint8ClampedArray, b: Uint8ClampedArray, count: number): Uint8ClampedArray[] =>
  Array.from({ length: count }, (_, i) => (i % 2 === 0 ? a : b));

const mostWithinASecond = (times: readonly number[]): number =>
  Math.max(0, ...times.map((start) => times.filter((t) => t >= start && t < start + 1000).length));

test("a strobe of 15 flashes a second is cut to three", () => {
  const times = shownChanges(alternating(picture([0, 0, 0]), picture([255, 255, 255]), 120), 1000 / 30);
  expect(mostWithinASecond(times)).toBe(6);
  expect(times.length).toBeGreaterThan(12);
});

test("flashes slower than three a second pass", () => {
  const times = shownChanges(alternating(picture([0, 0, 0]), picture([255, 255, 255]), 20), 200);
  expect(times).toHaveLength(19);
});

test("small changes of brightness pass at any rate", () => {
  const times = shownChanges(alternating(picture([120, 120, 120]), picture([130, 130, 130]), 60), 1000 / 30);
  expect(times).toHaveLength(59);
});

test("flashes in less than a quarter of the picture pass", () => {
  const times = shownChanges(alternating(picture([0, 0, 0]), picture([255, 255, 255], 0.2), 60), 1000 / 30);
  expect(times).toHaveLength(59);
});

test("flashes of saturated red are cut although they are dim", () => {
  const times = shownChanges(alternating(picture([60, 60, 60]), picture([150, 0, 0]), 60), 1000 / 30);
  expect(mostWithinASecond(times)).toBeLessThanOrEqual(6);
});

test("a steady brightening is no flash", () => {
  const steps = Array.from({ length: 40 }, (_, i) => picture([6 * i, 6 * i, 6 * i]));
  expect(shownChanges(steps, 20)).toHaveLength(39);
});
