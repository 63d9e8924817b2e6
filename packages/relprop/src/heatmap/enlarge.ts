/** Enlarges pictures without interpolation. */

import type { Pixels } from "./render.ts";

/**
 * Replaces each pixel by a square of `times` × `times` pixels. Browsers and viewers would interpolate between neighbours.
 * @param times a whole number of at least 1
 */
export function enlarge(pixels: Pixels, times: number): Pixels {
  const [width, height] = [pixels.width * times, pixels.height * times];
  const from = new Uint32Array(pixels.data.slice().buffer);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < pixels.height; y++) {
    const row = y * times * width;
    for (let x = 0; x < pixels.width; x++) {
      to.fill(from[y * pixels.width + x] ?? 0, row + x * times, row + (x + 1) * times);
    }
    for (let copy = 1; copy < times; copy++) to.copyWithin(row + copy * width, row, row + width);
  }
  return { data: new Uint8ClampedArray(to.buffer), width, height };
}
