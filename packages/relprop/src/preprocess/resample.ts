/**
 * Resizes pictures with antialiasing, exactly as Pillow (and torchvision) does: a filter that widens with the reduction runs
 * along rows, then along columns, and the result of the first pass is rounded to whole grey levels.
 */

import type { Interpolation } from "../cards/model-card.ts";
import type { ResizePlan } from "./resize-plan.ts";

/** A resampling filter: its half width, and its value at a distance; both in pixels of the coarser grid. */
interface Filter {
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Keys' cubic with a = −1/2 (1981). */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

const filters: Readonly<Record<Exclude<Interpolation, "nearest">, Filter>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** The pixels that each output pixel along an axis is a weighted sum of. */
interface Taps {
  readonly firsts: Int32Array;
  /** How many, at most. */
  readonly most: number;
  readonly counts: Int32Array;
  /** `most` for each output pixel. */
  readonly weights: Float64Array;
}

/** @param from the first output pixel, and how many */
function tapsOf(
  from: number,
  count: number,
  scale: number,
  length: number,
  interpolation: Interpolation,
): Taps {
  const { support, weight } =
    interpolation === "nearest" ? { support: 0, weight: () => 1 } : filters[interpolation];
  const stretch = Math.max(1, scale);
  const most = Math.max(1, Math.ceil(2 * support * stretch) + 1);
  const [firsts, counts] = [new Int32Array(count), new Int32Array(count)];
  const weights = new Float64Array(most * count);
  for (let i = 0; i < count; i++) {
    const centre = (from + i + 0.5) * scale;
    const isNearest = support === 0;
    const first = isNearest
      ? Math.min(length - 1, Math.floor(centre))
      : Math.max(0, Math.trunc(centre - support * stretch + 0.5));
    const end = isNearest ? first + 1 : Math.min(length, Math.trunc(centre + support * stretch + 0.5));
    let total = 0;
    for (let k = first; k < end; k++)
      total += weights[most * i + k - first] = weight((k + 0.5 - centre) / stretch);
    for (let k = most * i; k < most * (i + 1); k++) weights[k] = (weights[k] ?? 0) / total;
    firsts[i] = first;
    counts[i] = end - first;
  }
  return { firsts, most, counts, weights };
}

/** A picture of RGBA pixels, 4 bytes each, row by row. */
export interface RgbaPixels {
  /** Red, green, blue and alpha of each pixel, from 0 to 255. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** RGBA pixels to read, row by row. */
type Source = { readonly data: ArrayLike<number>; readonly width: number; readonly height: number };

/**
 * Resizes a picture and returns the crop, padded where it reaches beyond the picture, as {@link resizePlan} says. The result is
 * opaque; alpha is ignored.
 * @param picture RGBA pixels, row by row
 */
export function resample(
  picture: Source,
  plan: ResizePlan,
  interpolation: Interpolation = "bilinear",
): RgbaPixels {
  const { width, height, crop, pad } = plan;
  if (!pad) return resampled(picture, plan, interpolation);
  const [left, top] = [Math.max(0, crop.left), Math.max(0, crop.top)];
  const right = Math.min(width, crop.left + crop.width);
  const bottom = Math.min(height, crop.top + crop.height);
  const inside = { left, top, width: right - left, height: bottom - top };
  const pixels = resampled(picture, { width, height, crop: inside }, interpolation);
  const data = new Uint8ClampedArray(4 * crop.width * crop.height);
  for (let at = 0; at < data.length; at += 4) data.set([...pad, 255], at);
  for (let y = 0; y < inside.height; y++) {
    const row = pixels.data.subarray(4 * y * inside.width, 4 * (y + 1) * inside.width);
    data.set(row, 4 * ((y + top - crop.top) * crop.width + left - crop.left));
  }
  return { data, width: crop.width, height: crop.height };
}

/** A crop that lies within the resized picture. */
function resampled(
  picture: Source,
  { width, height, crop }: ResizePlan,
  interpolation: Interpolation,
): RgbaPixels {
  const columns = tapsOf(crop.left, crop.width, picture.width / width, picture.width, interpolation);
  const rows = tapsOf(crop.top, crop.height, picture.height / height, picture.height, interpolation);
  const top = Math.min(...rows.firsts);
  const bottom = Math.max(...rows.firsts.map((first, y) => first + (rows.counts[y] ?? 0)));
  const step = 4 * crop.width;
  const narrow = new Uint8ClampedArray(step * (bottom - top));
  for (let y = top; y < bottom; y++)
    row(picture.data, 4 * y * picture.width, columns, narrow, step * (y - top));
  const data = new Uint8ClampedArray(step * crop.height);
  const sums = new Float64Array(step);
  for (let y = 0; y < crop.height; y++) {
    sums.fill(0);
    for (let k = 0; k < (rows.counts[y] ?? 0); k++) {
      const weight = rows.weights[rows.most * y + k] ?? 0;
      const at = step * ((rows.firsts[y] ?? 0) - top + k);
      for (let i = 0; i < step; i++) sums[i] = (sums[i] ?? 0) + weight * (narrow[at + i] ?? 0);
    }
    data.set(sums, step * y);
  }
  return { data, width: crop.width, height: crop.height };
}

/** Filters one row of RGBA pixels; the result is opaque. */
function row(
  from: ArrayLike<number>,
  start: number,
  { firsts, most, counts, weights }: Taps,
  to: Uint8ClampedArray,
  begin: number,
): void {
  for (let x = 0; x < firsts.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let at = start + 4 * (firsts[x] ?? 0);
    const end = most * x + (counts[x] ?? 0);
    for (let k = most * x; k < end; k++, at += 4) {
      const weight = weights[k] ?? 0;
      red += weight * (from[at] ?? 0);
      green += weight * (from[at + 1] ?? 0);
      blue += weight * (from[at + 2] ?? 0);
    }
    const put = begin + 4 * x;
    to[put] = red;
    to[put + 1] = green;
    to[put + 2] = blue;
    to[put + 3] = 255;
  }
}
