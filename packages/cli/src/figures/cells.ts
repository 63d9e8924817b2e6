/** Matrices of values and relevance -> pictures in which all cells have the same size. */

import type { Pixels } from "@relprop/core/heatmap";
import { pngOf } from "../pages/png.ts";
import type { Numbers } from "./figure-text.ts";
import type { Spread } from "./spread.ts";

/** A matrix, row by row. */
export interface Cells {
  readonly data: Numbers;
  readonly rows: number;
  readonly columns: number;
}

/** A matrix in an array of more axes: where it begins, and the distances of its rows and columns. */
export interface Plane {
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * How cells become pixels along an axis: each cell takes `times` pixels of a 2× figure, or a pixel takes `of` cells; one
 * of both is 1.
 */
export interface Zoom {
  readonly times: number;
  readonly of: number;
}

/** The zoom with which cells fill a space, given in pixels at 1×, as far as whole pixels do. */
export function zoomOf(cells: number, space: number): Zoom {
  return {
    times: Math.max(1, Math.floor((2 * space) / cells)),
    of: Math.max(1, Math.ceil(cells / (2 * space))),
  };
}

/** Length of cells in pixels at 1×. */
export const lengthOf = (cells: number, { times, of }: Zoom): number => (Math.ceil(cells / of) * times) / 2;

/** Indices of the cells that are shown: where a pixel takes several, the one with the strongest relevance, so it is not lost. */
export function shownCells(
  relevance: Numbers,
  { start, rows, columns, rowStride, columnStride }: Plane,
  down: Zoom,
  across: Zoom,
): Cells & { readonly data: Int32Array } {
  const [shownRows, shownColumns] = [Math.ceil(rows / down.of), Math.ceil(columns / across.of)];
  const shown = new Int32Array(shownRows * shownColumns).fill(-1);
  for (let y = 0; y < rows; y++) {
    const row = Math.floor(y / down.of) * shownColumns;
    for (let x = 0; x < columns; x++) {
      const from = start + y * rowStride + x * columnStride;
      const to = row + Math.floor(x / across.of);
      const before = shown[to] ?? -1;
      if (before < 0 || Math.abs(relevance[from] ?? 0) > Math.abs(relevance[before] ?? 0)) shown[to] = from;
    }
  }
  return { data: shown, rows: shownRows, columns: shownColumns };
}

/** Values as greys from black (low) to white; what is not finite has the colour of the paper. */
export function greyPixels({ data, rows, columns }: Cells, { low, high }: Spread, paper: string): Pixels {
  const pixels = new Uint8ClampedArray(4 * rows * columns).fill(255);
  const gap = [1, 3, 5].map((at) => Number.parseInt(paper.slice(at, at + 2), 16));
  for (let i = 0; i < rows * columns; i++) {
    const value = data[i] ?? Number.NaN;
    const grey = high > low ? (255 * (value - low)) / (high - low) : 127;
    const isGap = !Number.isFinite(value);
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = isGap ? (gap[c] ?? 0) : grey;
  }
  return { data: pixels, width: columns, height: rows };
}

/** A picture as a PNG in a data URL, each pixel `across` wide and `down` high, since SVG renderers would blur small ones. */
export async function enlargedUrl(
  pixels: Pixels,
  down: Zoom,
  across: Zoom,
  isUpsideDown = false,
): Promise<string> {
  const [width, height] = [pixels.width * across.times, pixels.height * down.times];
  const from = new Uint32Array(pixels.data.slice().buffer);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < pixels.height; y++) {
    const row = (isUpsideDown ? pixels.height - 1 - y : y) * down.times * width;
    for (let x = 0; x < pixels.width; x++) {
      const start = row + x * across.times;
      to.fill(from[y * pixels.width + x] ?? 0, start, start + across.times);
    }
    for (let copy = 1; copy < down.times; copy++) to.copyWithin(row + copy * width, row, row + width);
  }
  const png = await pngOf({ data: new Uint8ClampedArray(to.buffer), width, height });
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}
