/** Volumes: slices along each axis, and the three planes through the strongest place. */

import { image, ruleX, ruleY, text as textMark } from "@observablehq/plot";
import { legend, renderOverlay, type Figure, type FigureDrawing } from "@relprop/core/heatmap";
import { relevanceText } from "@relprop/core/internal";
import { axisLabel, type ArrayAxis } from "./axis.ts";
import { cellPictures, type CellPictures, type ShownPlane } from "./cell-pictures.ts";
import { cellPlot } from "./cell-plot.ts";
import { enlargedUrl, lengthOf, zoomOf, type Zoom } from "./cells.ts";
import { figureOf, lookOf, plotWidth, type FigureText, type Look, type Numbers } from "./figure-text.ts";
import { manyNotes, rangeNote, smaller } from "./grid-figure.ts";
import { plotDrawing } from "./plot-drawing.ts";
import { gapNotes, spreadOf, strongestOf } from "./spread.ts";

/** A volume. */
export interface Volume {
  /** [D, H, W]; what is not finite is left out. */
  readonly values: Numbers;
  /** The same, unitless. */
  readonly relevance: Numbers;
  readonly shape: readonly [depth: number, height: number, width: number];
  /** The three axes, from the first to the last. */
  readonly axes: readonly [ArrayAxis, ArrayAxis, ArrayAxis];
  /** What was done before: `summed over 2 channels`. */
  readonly note?: string;
}

/** Slices along the first axis, and along each of the others. */
const mostSlices = [15, 5, 5] as const;
const columns = 5;
const gap = 8;
const labelHeight = 16;
const tile = (plotWidth - (columns - 1) * gap) / columns;
/** Room of each of the three planes. */
const plane = { width: 160, height: 220 };
/** Neither of the colours that relevance has. */
const crossHair = "#2e9e4f";

/** Draws a volume: grey values with relevance over them. @throws InputError if relevance is not finite */
export async function volumeFigure(volume: Volume, text: FigureText): Promise<Figure> {
  const look = lookOf(text);
  const { shape, axes, values, relevance } = volume;
  const [, height, width] = shape;
  const strongest = strongestOf(relevance);
  const at = [
    Math.floor(strongest / (height * width)),
    Math.floor(strongest / width) % height,
    strongest % width,
  ];
  const slices = at.map((index, axis) => chosenSlices(shape[axis] ?? 1, index, mostSlices[axis]));
  const tileZoom = shape.map((cells) => zoomOf(cells, tile)).reduce(smaller);
  const planeZoom = shape
    .flatMap((cells, axis) => [
      ...(axis > 0 ? [zoomOf(cells, plane.width)] : []),
      ...(axis < 2 ? [zoomOf(cells, plane.height)] : []),
    ])
    .reduce(smaller);
  const shown = [
    ...slices.flatMap((own, axis) => own.map((slice) => planeOf(shape, axis, slice, tileZoom))),
    ...at.map((index, axis) => planeOf(shape, axis, index, planeZoom)),
  ];
  const spread = spreadOf(values);
  const { pictures, all } = cellPictures(volume, shown, spread, look);
  const left = [...pictures];
  const panels: FigureDrawing[] = [];
  for (const [axis, own] of slices.entries()) {
    // The only slice along an axis is the plane that stands below.
    const itsPictures = left.splice(0, own.length);
    if (own.length === 1 && axis > 0) continue;
    panels.push(
      await drawSlices(
        itsPictures,
        { slices: own, strongest: at[axis] ?? 0, zoom: tileZoom, axis: axes[axis] ?? { name: "" } },
        look,
      ),
    );
  }
  for (const [axis, picture] of left.entries()) {
    const [down = 0, across = 0] = otherAxes(axis);
    const named = (of: number): string => `${axes[of]?.name ?? ""} = ${at[of] ?? 0}`;
    const place = (of: number): number => (at[of] ?? 0) * (axes[of]?.step ?? 1);
    const cellAxis = (of: number) => ({
      ...(axes[of] ?? { name: "" }),
      cells: shape[of] ?? 1,
      zoom: planeZoom,
    });
    panels.push(
      cellPlot(
        {
          caption: named(axis),
          url: await overlayUrl(picture, planeZoom),
          down: cellAxis(down),
          across: cellAxis(across),
          marks: [ruleX([place(across)], { stroke: crossHair }), ruleY([place(down)], { stroke: crossHair })],
        },
        look,
      ),
    );
  }
  const places = at.map((index, axis) => `${axes[axis]?.name ?? ""} = ${index}`).join(", ");
  const notes = [
    `strongest at ${places}: ${relevanceText(relevance[strongest] ?? 0)}`,
    rangeNote(spread),
    ...(volume.note === undefined ? [] : [volume.note]),
    ...manyNotes(planeZoom, planeZoom),
    ...gapNotes(spread.gaps, "left out"),
  ];
  const itsLegend = legend(all, look.coloring.normalize, text.label, "voxel");
  return figureOf(text, panels, { colormap: look.map, legend: itsLegend, notes });
}

/** Slices at even distances, the strongest in place of its nearest. */
export function chosenSlices(depth: number, strongest: number, most: number = mostSlices[0]): number[] {
  const count = Math.min(depth, most);
  const even = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (depth - 1)) / (count - 1)),
  );
  const distances = even.map((slice) => Math.abs(slice - strongest));
  even[distances.indexOf(Math.min(...distances))] = strongest;
  return even;
}

const otherAxes = (axis: number): number[] => [0, 1, 2].filter((other) => other !== axis);

/** The plane at an index of an axis; the earlier one of the other axes goes down. */
function planeOf(shape: Volume["shape"], axis: number, at: number, zoom: Zoom): ShownPlane {
  const [, height, width] = shape;
  const strides = [height * width, width, 1];
  const [down = 0, across = 0] = otherAxes(axis);
  return {
    start: at * (strides[axis] ?? 0),
    rows: shape[down] ?? 1,
    columns: shape[across] ?? 1,
    rowStride: strides[down] ?? 0,
    columnStride: strides[across] ?? 0,
    down: zoom,
    across: zoom,
  };
}

const overlayUrl = ({ grey, heatmap }: CellPictures, zoom: Zoom): Promise<string> =>
  enlargedUrl(renderOverlay(grey, heatmap), zoom, zoom);

/** How slices are laid out. */
interface Montage {
  readonly slices: readonly number[];
  readonly strongest: number;
  readonly zoom: Zoom;
  readonly axis: ArrayAxis;
}

async function drawSlices(
  pictures: readonly CellPictures[],
  { slices, strongest, zoom, axis }: Montage,
  look: Look,
): Promise<FigureDrawing> {
  const urls = await Promise.all(pictures.map((picture) => overlayUrl(picture, zoom)));
  const { grey } = pictures[0] ?? { grey: { width: 1, height: 1 } };
  const [width, height] = [
    lengthOf(grey.width, { ...zoom, of: 1 }),
    lengthOf(grey.height, { ...zoom, of: 1 }),
  ];
  const inRow = Math.min(columns, slices.length);
  const rows = Math.ceil(slices.length / inRow);
  const facet = {
    fx: (_: unknown, i: number) => i % inRow,
    fy: (_: unknown, i: number) => Math.floor(i / inRow),
  };
  const [across, down] = [Math.max(Math.ceil(width), 40) + gap, Math.ceil(height) + labelHeight + 4];
  return plotDrawing(
    `slices along ${axisLabel(axis)}`,
    {
      width: across * inRow,
      height: down * rows,
      margin: 0,
      fx: { axis: null, padding: 0, round: false },
      fy: { axis: null, padding: 0, round: false },
      marks: [
        image(urls, {
          ...facet,
          src: (each: string) => each,
          frameAnchor: "middle",
          dx: -gap / 2,
          dy: (labelHeight - 4) / 2,
          width,
          height,
          preserveAspectRatio: "none",
        }),
        textMark(slices, {
          ...facet,
          text: (slice: number) => (slice === strongest ? `${slice}, strongest` : `${slice}`),
          frameAnchor: "top-left",
          dx: (across - gap - width) / 2,
          dy: 3,
          fill: (slice: number) => (slice === strongest ? look.paints.ink : look.paints.soft),
        }),
      ],
    },
    look,
  );
}
