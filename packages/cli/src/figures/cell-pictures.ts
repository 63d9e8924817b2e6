/** Matrices of one figure -> pictures of their values and their relevance, on scales that all of them share. */

import { renderHeatmap, type Heatmap, type Pixels } from "@relprop/core/heatmap";
import { greyPixels, shownCells, type Plane, type Zoom } from "./cells.ts";
import type { Look, Numbers } from "./figure-text.ts";
import type { Spread } from "./spread.ts";

/** A matrix of an array, and how it is shown. */
export interface ShownPlane extends Plane {
  readonly down: Zoom;
  readonly across: Zoom;
}

/** An array with its relevance. */
interface Valued {
  readonly values: Numbers;
  readonly relevance: Numbers;
}

/** Both pictures of a matrix, of the same size. */
export interface CellPictures {
  readonly grey: Pixels;
  readonly heatmap: Heatmap;
}

/**
 * Draws planes of an array, the colours by the relevance of all of them.
 * @param spread the values that are black and white
 * @returns their pictures, and a heatmap that knows the colours of all, for the legend
 * @throws InputError if relevance is not finite
 */
export function cellPictures(
  { values, relevance }: Valued,
  planes: readonly ShownPlane[],
  spread: Spread,
  { coloring, paints }: Look,
): { readonly pictures: readonly CellPictures[]; readonly all: Heatmap } {
  const shown = planes.map((plane) => shownCells(relevance, plane, plane.down, plane.across));
  const data = new Float32Array(shown.reduce((sum, { data }) => sum + data.length, 0));
  let start = 0;
  const starts = shown.map(({ data: indices }) => {
    for (const [i, index] of indices.entries()) data[start + i] = relevance[index] ?? 0;
    start += indices.length;
    return start - indices.length;
  });
  const all = renderHeatmap({ data, width: data.length, height: 1 }, coloring);
  const pictures = shown.map(({ data: indices, rows, columns }, m): CellPictures => {
    const from = starts[m] ?? 0;
    const to = from + indices.length;
    const grey = Array.from(indices, (index) => values[index] ?? Number.NaN);
    const positions = all.normalized.positions.slice(from, to);
    const normalized = { ...all.normalized, positions };
    return {
      grey: greyPixels({ data: grey, rows, columns }, spread, paints.paper),
      heatmap: { ...all, data: all.data.slice(4 * from, 4 * to), width: columns, height: rows, normalized },
    };
  });
  return { pictures, all };
}
