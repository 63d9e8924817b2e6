/** A picture of cells with its axes. */

import {
  axisX,
  axisY,
  frame,
  image,
  text as textMark,
  type Markish,
  type PlotOptions,
} from "@observablehq/plot";
import type { FigureDrawing } from "@relprop/core/heatmap";
import { axisLabel, type ArrayAxis } from "./axis.ts";
import { lengthOf, type Zoom } from "./cells.ts";
import type { Look } from "./figure-text.ts";
import { axisStyle, clipName, plotDrawing, plotText, widest } from "./plot-drawing.ts";

/** An axis of a picture: what it is, how many cells it has, and how large they are. */
export interface CellAxis extends ArrayAxis {
  readonly cells: number;
  readonly zoom: Zoom;
}

/** A picture of cells. */
export interface CellPlot {
  readonly caption: string;
  readonly url: string;
  readonly down: CellAxis;
  readonly across: CellAxis;
  /** Whether the first row is at the bottom, as that of a spectrogram. */
  readonly isUpsideDown?: boolean;
  /** Marks on the picture, in the units of its axes. */
  readonly marks?: readonly Markish[];
}

const nameWidth = 130;
/** What the name of a row takes, in pixels. */
export const nameHeight: number = plotText.size + 4;

/** Ticks at the middle of cells: all names that find room, or every second, third … @param room what a tick takes, in pixels */
function ticksOf(
  { names, cells, zoom, step = 1 }: CellAxis,
  room: number,
): { ticks: number[] | number; tickFormat?: (at: number) => string } {
  const most = Math.max(1, Math.floor(lengthOf(cells, zoom) / room));
  if (names) {
    const every = Math.ceil(cells / most);
    const ticks = Array.from({ length: Math.ceil(cells / every) }, (_, i) => i * every * step);
    return { ticks, tickFormat: (at) => clipName(names[Math.round(at / step)] ?? "", nameWidth) };
  }
  return { ticks: step === 1 ? wholeTicks(cells, most) : most };
}

/** Indices at distances of 1, 2 or 5 times a power of ten. */
function wholeTicks(cells: number, most: number): number[] {
  const least = Math.max(1, cells / most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5].map((times) => times * power).find((each) => each >= least) ?? 10 * power;
  return Array.from({ length: Math.ceil(cells / step) }, (_, i) => i * step);
}

const namesWidth = ({ names = [], cells }: CellAxis): number =>
  widest(names.slice(0, cells).map((name) => clipName(name, nameWidth)));

/** What a picture's axes take beside it: names or numbers, and the label, in pixels. */
const margin = { marginTop: 2, marginRight: 8, marginBottom: 38 };
const numbersWidth = 34;

/** Width of a picture's margins. */
export const marginsOf = (down: CellAxis): number =>
  margin.marginRight + 26 + (down.names ? namesWidth(down) : numbersWidth);

/** The ends of the first and the last cell, in the unit of the axis. */
const domain = ({ cells, zoom: { of }, step = 1 }: CellAxis): [number, number] => [
  -0.5 * step,
  (Math.ceil(cells / of) * of - 0.5) * step,
];

/** Draws a picture of cells with its axes. */
export function cellPlot(drawn: CellPlot, look: Look): FigureDrawing {
  const { down, across, url } = drawn;
  const [width, height] = [lengthOf(across.cells, across.zoom), lengthOf(down.cells, down.zoom)];
  const margins = marginsOf(down);
  const marginLeft = margins - margin.marginRight;
  const style = { ...axisStyle(look), label: null };
  const label = { fill: look.paints.soft };
  const options: PlotOptions & { width: number; height: number } = {
    ...margin,
    marginLeft,
    width: Math.ceil(width + margins),
    height: height + margin.marginTop + margin.marginBottom,
    // Half a pixel would move the picture's pixels off those of the figure.
    marginRight: Math.ceil(width) - width + margin.marginRight,
    x: { domain: domain(across) },
    y: { domain: domain(down), reverse: drawn.isUpsideDown !== true },
    marks: [
      axisX({ ...style, ...ticksOf(across, across.names ? namesWidth(across) + 12 : 40) }),
      axisY({ ...style, ...ticksOf(down, down.names ? nameHeight : 24) }),
      textMark([axisLabel(across)], { ...label, frameAnchor: "bottom", dy: 34 }),
      textMark([axisLabel(down)], {
        ...label,
        frameAnchor: "left",
        rotate: -90,
        dx: 8 - marginLeft,
        textAnchor: "middle",
      }),
      image([url], {
        src: (each: string) => each,
        frameAnchor: "middle",
        width,
        height,
        preserveAspectRatio: "none",
      }),
      frame({ stroke: look.paints.line }),
      ...(drawn.marks ?? []),
    ],
  };
  return plotDrawing(drawn.caption, options, look);
}
