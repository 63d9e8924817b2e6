/** Draws what was found in the network's input where it lies in the whole picture. */

import type { Heatmap, Pixels } from "./render.ts";
import { paint } from "./render.ts";

/** Size of a drawing, in its pixels. */
export interface DrawingSize {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** Edges of the network's input in a drawing of the picture, in the drawing's pixels; they may lie outside of it. */
export interface Placement {
  /** The left edge. */
  readonly left: number;
  /** The top edge. */
  readonly top: number;
  /** The right edge. */
  readonly right: number;
  /** The bottom edge. */
  readonly bottom: number;
}

/**
 * A heatmap of the input as one of the whole picture, in the same colours: each pixel of the drawing has the mean position of
 * the part of the input that it covers, so that nothing is interpolated and nothing left out. Where the network saw nothing
 * there is no relevance; padding is outside of the drawing.
 * @param heatmap one pixel for each pixel of the input
 * @param placement where the input lies
 */
export function placeHeatmap(
  heatmap: Heatmap,
  placement: Placement,
  { width, height }: DrawingSize,
): Heatmap {
  const { normalized, colormap } = heatmap;
  const columns = sharesOf(width, placement.left, placement.right, heatmap.width);
  const rows = sharesOf(height, placement.top, placement.bottom, heatmap.height);
  const positions = new Float32Array(width * height).fill(normalized.rest);
  const line = new Float64Array(heatmap.width);
  for (const [y, row] of rows.entries()) {
    if (!row) continue;
    line.fill(0);
    for (const [k, share] of row.shares.entries()) {
      const at = (row.first + k) * heatmap.width;
      for (let x = 0; x < line.length; x++)
        line[x] = (line[x] ?? 0) + share * (normalized.positions[at + x] ?? 0);
    }
    for (const [x, column] of columns.entries()) {
      if (!column) continue;
      let sum = 0;
      for (const [k, share] of column.shares.entries()) sum += share * (line[column.first + k] ?? 0);
      positions[y * width + x] = sum;
    }
  }
  return {
    data: paint(positions, colormap),
    width,
    height,
    colormap,
    normalized: { ...normalized, positions },
  };
}

/** Pixels of the input that a pixel of the drawing covers, from `first` on, and their shares of it; the sum is 1. */
interface Covered {
  readonly first: number;
  readonly shares: readonly number[];
}

/** Along one axis, for each pixel of the drawing; undefined where its centre is outside of the input. */
function sharesOf(length: number, from: number, to: number, pixels: number): (Covered | undefined)[] {
  const scale = pixels / (to - from);
  return Array.from({ length }, (_, i) => {
    const centre = (i + 0.5 - from) * scale;
    if (centre < 0 || centre >= pixels) return undefined;
    const [start, end] = [Math.max(0, (i - from) * scale), Math.min(pixels, (i + 1 - from) * scale)];
    const first = Math.floor(start);
    const covered = Array.from(
      { length: Math.max(1, Math.ceil(end) - first) },
      (_each, k) => Math.min(end, first + k + 1) - Math.max(start, first + k),
    );
    const total = covered.reduce((sum, part) => sum + part, 0);
    return { first, shares: covered.map((part) => part / total) };
  });
}

/** Whether the centre of a pixel is between two edges. */
const isIn = (pixel: number, from: number, to: number): boolean => pixel + 0.5 >= from && pixel + 0.5 < to;

/** How much of the gray that lies over what the network did not see. */
const veil = 0.6;
const veilGray = 128;

/** A copy of a drawing in which gray lies over all that is outside of the network's input. */
export function veilUnseen({ data, width, height }: Pixels, placement: Placement): Pixels {
  const copy = new Uint8ClampedArray(data);
  for (let y = 0; y < height; y++) {
    const isRow = isIn(y, placement.top, placement.bottom);
    for (let x = 0; x < width; x++) {
      if (isRow && isIn(x, placement.left, placement.right)) continue;
      const at = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) copy[at + c] = (1 - veil) * (data[at + c] ?? 0) + veil * veilGray;
    }
  }
  return { data: copy, width, height };
}
