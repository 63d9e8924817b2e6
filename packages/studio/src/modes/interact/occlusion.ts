/**
 * The occlusion sweep (Zeiler & Fergus 2014): covers a window, runs the network again, moves the window. The drop of the
 * target's score measures the window's effect without any relevance; its rank correlation with
 * the relevance in the same windows says how far the two agree.
 */

import { rankCorrelation } from "@relprop/core";
import type { Picture } from "@relprop/engine/engine";
import { applyPatches } from "./apply-patches.ts";
import type { Box, Fill } from "./patches.ts";

/** Starts of windows along one side: every `stride` pixels, the last one flush with the end. */
export function windowStarts(side: number, window: number, stride: number): number[] {
  const last = Math.max(0, side - window);
  const starts = Array.from({ length: Math.floor(last / stride) + 1 }, (_, i) => i * stride);
  return starts.at(-1) === last ? starts : [...starts, last];
}

/** All windows over a picture, row by row, in pixels; they cover it entirely if the stride does not exceed the window. */
export function windowsOver(
  picture: { readonly width: number; readonly height: number },
  window: number,
  stride: number,
): Box[] {
  const { width, height } = picture;
  return windowStarts(height, window, stride).flatMap((top) =>
    windowStarts(width, window, stride).map((left) => ({
      left,
      top,
      width: Math.min(window, width),
      height: Math.min(window, height),
    })),
  );
}

export interface SweepOptions {
  readonly picture: Picture;
  /** Side of the covered square, and distance to the next, in pixels. */
  readonly window: number;
  readonly stride: number;
  readonly fill: Fill;
  /** The content of `image` windows. */
  readonly other?: Picture | undefined;
  /** Pictures per batch. */
  readonly batch: number;
  /** The target's score in each picture; the target is resolved in `picture` itself. */
  scores(pictures: readonly Picture[]): Promise<Float32Array>;
  onProgress?(done: number, all: number): void;
  readonly signal?: AbortSignal;
}

export interface Sweep {
  readonly windows: readonly Box[];
  /** The drop of the score when each window was covered; negative if it rose. */
  readonly drops: Float32Array;
  /** The same as a map, [height, width]: each pixel has the mean of its windows. */
  readonly map: { readonly data: Float32Array; readonly height: number; readonly width: number };
}

/**
 * Sweeps a window over the picture.
 * @throws DOMException "AbortError" if cancelled, between two batches; and the errors of `scores`.
 */
export async function sweep(options: SweepOptions): Promise<Sweep> {
  const { picture, fill, other, batch, signal } = options;
  const windows = windowsOver(picture, options.window, options.stride);
  const [score] = await options.scores([picture]);
  if (score === undefined) throw new Error("The engine gave no answer for the picture.");
  const drops = new Float32Array(windows.length);
  options.onProgress?.(0, windows.length);
  for (let start = 0; start < windows.length; start += batch) {
    signal?.throwIfAborted();
    const covered = windows.slice(start, start + batch).map((window) => cover(picture, window, fill, other));
    const scores = await options.scores(covered);
    for (const [i, each] of scores.entries()) drops[start + i] = score - each;
    options.onProgress?.(Math.min(start + batch, windows.length), windows.length);
  }
  signal?.throwIfAborted();
  return { windows, drops, map: meanMap(windows, drops, picture) };
}

/** Covers one window: a square, cut off at the picture's borders. */
function cover(picture: Picture, { left, top, width, height }: Box, fill: Fill, other?: Picture): Picture {
  const size = Math.max(width, height);
  const half = Math.floor(size / 2);
  return applyPatches(picture, [{ id: 1, fill, size, points: [{ x: left + half, y: top + half }] }], other);
}

/** Each pixel's mean over the windows that contain it; 0 if there is none. */
export function meanMap(
  windows: readonly Box[],
  values: ArrayLike<number>,
  { width, height }: { readonly width: number; readonly height: number },
): { data: Float32Array; height: number; width: number } {
  const sums = new Float32Array(width * height);
  const counts = new Uint32Array(width * height);
  for (const [i, box] of windows.entries()) {
    forPixels(box, width, height, (at) => {
      sums[at] = (sums[at] ?? 0) + (values[i] ?? 0);
      counts[at] = (counts[at] ?? 0) + 1;
    });
  }
  return { data: sums.map((sum, i) => sum / Math.max(1, counts[i] ?? 0)), height, width };
}

/** The relevance within each window, summed. */
export function relevanceIn(
  windows: readonly Box[],
  {
    data,
    width,
    height,
  }: { readonly data: ArrayLike<number>; readonly width: number; readonly height: number },
): Float32Array {
  return Float32Array.from(windows, (box) => {
    let sum = 0;
    forPixels(box, width, height, (at) => {
      sum += data[at] ?? 0;
    });
    return sum;
  });
}

/**
 * How far a sweep and the relevance of the same picture and target agree: Spearman's ρ between the drop of the score and
 * the relevance in each window. Undefined if either is constant, or if there is only one window.
 */
export function agreement(
  { windows, drops }: Pick<Sweep, "windows" | "drops">,
  relevance: { readonly data: ArrayLike<number>; readonly width: number; readonly height: number },
): number | undefined {
  if (windows.length < 2) return undefined;
  return rankCorrelation(drops, relevanceIn(windows, relevance));
}

function forPixels(box: Box, width: number, height: number, visit: (at: number) => void): void {
  for (let y = box.top; y < Math.min(height, box.top + box.height); y++) {
    for (let x = box.left; x < Math.min(width, box.left + box.width); x++) visit(y * width + x);
  }
}
