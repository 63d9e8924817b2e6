/** Grids: spectrograms, sequences of vectors, planes of channels; values beside relevance, on the same axes. */

import { legend, type Figure, type FigurePanel } from "@relprop/core/heatmap";
import { relevanceText } from "@relprop/core/internal";
import type { ArrayAxis } from "./axis.ts";
import { cellPictures, type ShownPlane } from "./cell-pictures.ts";
import { cellPlot, marginsOf, nameHeight, type CellAxis } from "./cell-plot.ts";
import { enlargedUrl, zoomOf, type Zoom } from "./cells.ts";
import { figureOf, lookOf, plotWidth, type FigureText, type Numbers } from "./figure-text.ts";
import { namesOf } from "./plot-drawing.ts";
import { byStrength, countText, gapNotes, spreadOf, type Spread } from "./spread.ts";

/** One grid or several on the same axes. */
export interface Grid {
  /** [planes, rows, columns]; what is not finite is left out. */
  readonly values: Numbers;
  /** The same, unitless. */
  readonly relevance: Numbers;
  readonly rows: number;
  readonly columns: number;
  /** The axis of rows. */
  readonly down: ArrayAxis;
  /** The axis of columns. */
  readonly across: ArrayAxis;
  /** Whether the first row is at the bottom, as that of the lowest frequency. */
  readonly isUpsideDown?: boolean;
  /** Whether both axes have the same scale, as those of a picture. */
  readonly isSquare?: boolean;
  /** The axis of planes, if there are several. */
  readonly planes?: ArrayAxis;
}

const mostPlanes = 4;
const gap = 16;
/** Height of rows with all names, at most. */
const mostNamed = 420;

/** Draws grids: values in grey, and relevance. Of more than four planes, those with the strongest relevance. */
export async function gridFigure(grid: Grid, text: FigureText): Promise<Figure> {
  const look = lookOf(text);
  const { rows, columns, isSquare = false, isUpsideDown = false } = grid;
  const size = rows * columns;
  const count = grid.relevance.length / size;
  const shown = strongestPlanes(grid, count);
  const isBeside = columns <= 1.5 * rows || isSquare;
  const width = isBeside ? besideWidth(shown.length) : plotWidth;
  const height = (isBeside ? 320 : 190) / (shown.length > 1 ? 1.6 : 1);
  const unzoomed: CellAxis = { ...grid.down, cells: rows, zoom: { times: 1, of: 1 } };
  // Rows with names are as high as these, if not too many.
  const named = grid.down.names ? rows * nameHeight : 0;
  const room = named <= mostNamed ? Math.max(height, named) : height;
  let [down, across] = [zoomOf(rows, room), zoomOf(columns, width - marginsOf(unzoomed))];
  if (isSquare) down = across = smaller(down, across);
  const planes = shown.map((at): ShownPlane => ({
    start: at * size,
    rows,
    columns,
    rowStride: columns,
    columnStride: 1,
    down,
    across,
  }));
  const spread = spreadOf(grid.values);
  const { pictures, all } = cellPictures(grid, planes, spread, look);
  const names = namesOf(count, grid.planes?.names, grid.planes?.name);
  const axes = {
    down: { ...unzoomed, zoom: down },
    across: { ...grid.across, cells: columns, zoom: across },
    isUpsideDown,
  };
  const panels: FigurePanel[] = [];
  for (const [i, { grey, heatmap }] of pictures.entries()) {
    const plane = count > 1 ? `${names[shown[i] ?? 0] ?? ""}, ` : "";
    for (const [pixels, caption] of [
      [grey, `${plane}values`],
      [heatmap, `${plane}relevance`],
    ] as const) {
      const url = await enlargedUrl(pixels, down, across, isUpsideDown);
      const panel = cellPlot({ ...axes, caption, url }, look);
      // Of equal widths, so values and relevance of a plane stand beside each other.
      panels.push(isBeside ? { ...panel, width: Math.max(width, panel.width) } : panel);
    }
  }
  const notes = [
    rangeNote(spread),
    ...(shown.length < count ? [`the ${shown.length} planes with the strongest relevance of ${count}`] : []),
    ...manyNotes(down, across),
    ...gapNotes(spread.gaps, "left out"),
  ];
  const itsLegend = legend(all, look.coloring.normalize, text.label, "cell");
  return figureOf(text, panels, { colormap: look.map, legend: itsLegend, notes });
}

/** Width of pictures in rows of two, or of four where there are several planes; a figure's rows of many are wider. */
const besideWidth = (planes: number): number =>
  planes === 1 ? (plotWidth - gap) / 2 : planes > 3 ? 210 : (plotWidth - 3 * gap) / 4;

/** Which values are black and white. */
export const rangeNote = ({ low, high }: Spread): string =>
  low === high
    ? `all values are ${relevanceText(low)}`
    : `values from ${relevanceText(low)} (black) to ${relevanceText(high)} (white)`;

/** The zoom of two axes whose cells are squares. */
export const smaller = (a: Zoom, b: Zoom): Zoom => ({
  times: Math.min(a.times, b.times),
  of: Math.max(a.of, b.of),
});

/** What a figure says where pixels are fewer than cells. */
export const manyNotes = (down: Zoom, across: Zoom): string[] =>
  down.of * across.of > 1
    ? [`of each ${countText(down.of * across.of, "cell")} the one with the strongest relevance`]
    : [];

function strongestPlanes({ relevance, rows, columns }: Grid, count: number): number[] {
  const strengths = Array.from({ length: count }, (_, plane) => {
    let sum = 0;
    for (let i = plane * rows * columns; i < (plane + 1) * rows * columns; i++)
      sum += Math.abs(relevance[i] ?? 0);
    return sum;
  });
  return byStrength(strengths)
    .slice(0, mostPlanes)
    .sort((a, b) => a - b);
}
