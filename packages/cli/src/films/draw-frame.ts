/** A frame and its heatmap -> a frame of the new film. */

import { renderOverlay, type Heatmap, type Pixels } from "@relprop/core/heatmap";
import type { ResizePlan } from "@relprop/core/preprocess";

/**
 * - `overlay`: the heatmap over the grey frame;
 * - `side-by-side`: the frame, and right of it the overlay;
 * - `heatmap`: relevance in colours.
 */
export type FilmView = "overlay" | "side-by-side" | "heatmap";
export const filmViews: readonly FilmView[] = ["overlay", "side-by-side", "heatmap"];

/**
 * Draws a heatmap, of the size that the network saw, on the whole frame.
 * @param plan how the frame was brought to that size
 */
export function drawFrame(frame: Pixels, heatmap: Heatmap, plan: ResizePlan, view: FilmView): Pixels {
  const whole = onFrame(heatmap, plan, frame.width, frame.height);
  if (view === "heatmap") return whole;
  const overlay = renderOverlay(frame, whole);
  return view === "overlay" ? overlay : beside(frame, overlay);
}

/** Where an output pixel lies between two of the heatmap; undefined outside of what the network saw. */
interface Between {
  readonly first: number;
  readonly second: number;
  /** Weight of the second. */
  readonly way: number;
}

function betweens(count: number, resized: number, start: number, size: number): (Between | undefined)[] {
  return Array.from({ length: count }, (_, i) => {
    const at = ((i + 0.5) * resized) / count - start - 0.5;
    if (at < -0.5 || at > size - 0.5) return undefined;
    const inside = Math.min(size - 1, Math.max(0, at));
    const first = Math.floor(inside);
    return { first, second: Math.min(size - 1, first + 1), way: inside - first };
  });
}

/**
 * The heatmap on the frame's own pixels: positions on the colour map are interpolated linearly; what the network did not
 * see has no relevance.
 */
export function onFrame(heatmap: Heatmap, plan: ResizePlan, width: number, height: number): Heatmap {
  const { colormap, normalized } = heatmap;
  const { rest } = normalized;
  const columns = betweens(width, plan.width, plan.crop.left, heatmap.width);
  const rows = betweens(height, plan.height, plan.crop.top, heatmap.height);
  const positions = new Float32Array(width * height).fill(rest);
  const data = new Uint8ClampedArray(4 * width * height);
  const position = (row: number, column: number): number =>
    normalized.positions[row * heatmap.width + column] ?? rest;
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const i = y * width + x;
      if (row && column) {
        const above =
          (1 - column.way) * position(row.first, column.first) +
          column.way * position(row.first, column.second);
        const below =
          (1 - column.way) * position(row.second, column.first) +
          column.way * position(row.second, column.second);
        positions[i] = (1 - row.way) * above + row.way * below;
      }
      const color = 3 * Math.round(255 * (positions[i] ?? rest));
      for (let c = 0; c < 3; c++) data[4 * i + c] = colormap.colors[color + c] ?? 0;
      data[4 * i + 3] = 255;
    }
  }
  return { data, width, height, colormap, normalized: { ...normalized, positions } };
}

function beside(left: Pixels, right: Pixels): Pixels {
  const { width, height } = left;
  const data = new Uint8ClampedArray(8 * width * height);
  for (let y = 0; y < height; y++) {
    const row = 4 * y * width;
    data.set(left.data.subarray(row, row + 4 * width), 2 * row);
    data.set(right.data.subarray(row, row + 4 * width), 2 * row + 4 * width);
  }
  return { data, width: 2 * width, height };
}
