/** Relevance of a picture's input -> one number for each pixel. */

import type { FloatArray } from "@relprop/core";

/** One number for each pixel, row by row. */
interface PixelMap {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** [C, H, W] or [H, W, C] -> [H, W], summed over channels; relevance that is summed already is left as it is. */
export function relevanceMap({ data, dims }: FloatArray, width: number, height: number): PixelMap {
  const pixels = width * height;
  if (data.length === pixels) return { data, width, height };
  const [first, second, third] = dims.slice(-3);
  const isFirst = second === height && third === width;
  const channels = !isFirst && first === height && second === width ? (third ?? 1) : 1;
  const sum = new Float32Array(pixels);
  for (const [i, value] of data.entries()) {
    const at = Math.floor(i / channels) % pixels;
    sum[at] = (sum[at] ?? 0) + value;
  }
  return { data: sum, width, height };
}
