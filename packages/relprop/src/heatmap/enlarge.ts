/** Pixels -> larger pixels. */

import type { Pixels } from "./render.ts";

/**
 * The same picture with a square of `times` × `times` pixels for each: no values between those of neighbours are made up,
 * as anything that scales pictures for show does.
 * @param times a whole number, 1 or more
 */
export function enlarge(pixels: Pixels, times: number): Pixels {
  const [width, height] = [pixels.width * times, pixels.height * times];
  const from = new Uint32Array(pixels.data.slice().buffer);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < pixels.height; y++) {
    const row = y * times * width;
    for (let x = 0; x < pixels.width; x++) {
      to.fill(from[y * pixels.width + x] as number, row + x * times, row + (x + 1) * times);
    }
    for (let copy = 1; copy < times; copy++) to.copyWithin(row + copy * width, row, row + width);
  }
  return { data: new Uint8ClampedArray(to.buffer), width, height };
}
