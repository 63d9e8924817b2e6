/** Lays out figures: boxes and lines of text, in pixels at 1×, y downwards. */

import {
  ascent,
  cleanText,
  descent,
  textWidth,
  wrapEvenly,
  wrapItems,
  wrapText,
  type TextStyle,
} from "./figure-text.ts";
import type { Figure, FigureDrawing, FigurePanel, FigurePicture } from "./figure-parts.ts";
import { capital, type Legend } from "./legend.ts";

/** A line of text. `x` is its start, middle or end, as `anchor` says, and `y` its baseline. */
export interface PlacedText extends TextStyle {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly anchor: "start" | "middle" | "end";
  /** Whether it has the less prominent colour. */
  readonly isSoft: boolean;
}

/** A rectangle. */
export interface Box {
  /** Of the left edge. */
  readonly x: number;
  /** Of the upper edge, downwards. */
  readonly y: number;
  /** To the right edge. */
  readonly width: number;
  /** To the lower edge. */
  readonly height: number;
}

/** What is in a panel: a PNG as a data URL, or SVG elements. */
type Content = Pick<FigurePicture, "image"> | Pick<FigureDrawing, "drawing">;

/** A panel and its place. */
export type PlacedPanel = Box & Content;

/** The places of all parts of a figure. */
export interface FigureLayout {
  readonly width: number;
  readonly height: number;
  readonly texts: readonly PlacedText[];
  readonly panels: readonly PlacedPanel[];
  /** The colour bar, if the legend has numbers for it. */
  readonly bar?: Box;
}

const margin = 20;
const gap = 16;
/** Width of the texts if the pictures are narrower. */
const minWidth = 440;
/** Widest row of few and of many pictures; wide rows keep figures of many pictures from becoming a strip. */
const maxWidth = { few: 760, many: 1100 };
const few = 6;
const lineHeight = 1.4;
const barHeight = 10;

const heading: TextStyle = { size: 18, isBold: true };
const ordinary: TextStyle = { size: 13, isBold: false };
const small: TextStyle = { size: 12, isBold: false };

/** Approximate length of a picture's longer side in pixels at 2×; wide pictures take a row each. */
const target = { wide: 960, tall: 640, other: 480 };

/**
 * The number of pixels of a 2× figure per pixel of a picture: a whole number, or 1 over a whole number, so the pixels of a
 * heatmap stay squares of one size. If it is above 1, enlarge the picture by it before putting it into a figure.
 */
export function panelScale({ width, height }: { readonly width: number; readonly height: number }): number {
  const kind = width > 1.8 * height ? "wide" : height > 1.8 * width ? "tall" : "other";
  const ratio = target[kind] / Math.max(width, height);
  return ratio >= 0.7 ? Math.max(1, Math.round(ratio)) : 1 / Math.round(1 / ratio);
}

/** The bounding box of a line of text, as the layout measures it. */
export function textBox({ text, x, y, anchor, size, isBold }: PlacedText): Box {
  const width = textWidth(text, { size, isBold });
  const left = { start: x, middle: x - width / 2, end: x - width }[anchor];
  return { x: left, y: y - ascent * size, width, height: (ascent + descent) * size };
}

/** Lays out a figure: names, pictures in rows, the colour bar with its meaning, and the method. */
export function layoutFigure(figure: Figure): FigureLayout {
  const rows = inRows(figure.panels.map(cellOf));
  const inner = Math.max(minWidth, ...rows.map(rowWidth));
  const texts: PlacedText[] = [];
  const panels: PlacedPanel[] = [];
  let y = margin;

  const lines = (text: readonly string[], style: TextStyle, isSoft: boolean, x = margin): void => {
    for (const each of text) {
      texts.push({ ...style, text: each, isSoft, anchor: "start", x, y: baseline(y, style) });
      y += lineHeight * style.size;
    }
  };
  const paragraph = (text: string, style: TextStyle, isSoft = false): void =>
    lines(wrapEvenly(cleanText(text), inner, style), style, isSoft);

  paragraph(figure.title, ordinary, true);
  for (const [i, each] of figure.explained.entries()) paragraph(each, i === 0 ? heading : ordinary);
  y += 10;

  for (const row of rows) {
    const top = y;
    const captions = Math.max(...row.map(({ caption }) => caption.length)) * lineHeight * small.size;
    // Pictures lie on whole pixels, else renderers mix neighbouring pixels.
    const under = Math.ceil(top + captions + 3);
    let x = margin;
    for (const { caption, space, ...panel } of row) {
      y = top;
      for (const { text, isSoft } of caption) lines([text], small, isSoft, x);
      panels.push({ ...panel, x, y: under });
      x += space + gap;
    }
    y = under + Math.max(...row.map(({ height }) => height)) + gap;
  }

  y = Math.ceil(y);
  const bar = figure.legend.ticks.length > 0 ? { x: margin, y, width: inner, height: barHeight } : undefined;
  if (bar) {
    y += barHeight + 3;
    texts.push(...tickTexts(figure.legend, bar, baseline(y, small)));
    y += lineHeight * small.size + 4;
  }
  paragraph(figure.legend.sentence, ordinary);
  if (figure.verdict !== undefined) paragraph(`${capital(figure.verdict)}.`, ordinary);
  y += 4;
  lines(wrapItems(figure.method.map(cleanText), inner, small), small, true);
  return {
    width: Math.ceil(inner + 2 * margin),
    height: Math.ceil(y + margin - 4),
    texts,
    panels,
    ...(bar && { bar }),
  };
}

/** Baseline of a line of text that begins at `top`. */
const baseline = (top: number, { size }: TextStyle): number =>
  top + ((lineHeight + ascent - descent) / 2) * size;

/** The numbers below a colour bar, with the meaning of its ends. */
function tickTexts({ ticks, ends }: Legend, bar: Box, y: number): PlacedText[] {
  return ticks.map(({ position, text }) => {
    const anchor = position === 0 ? "start" : position === 1 ? "end" : "middle";
    const words = { start: `${text} ${ends[0]}`, middle: text, end: `${ends[1]} ${text}` }[anchor];
    return { ...small, text: words.trim(), isSoft: false, anchor, x: bar.x + position * bar.width, y };
  });
}

/** A panel, the lines of its caption, and the width of both. */
type Cell = Pick<Box, "width" | "height"> &
  Content & {
    readonly caption: readonly Pick<PlacedText, "text" | "isSoft">[];
    readonly space: number;
  };

/** Width of the captions of narrow pictures. */
const minCaptionWidth = 110;

function cellOf({ caption, details = [], width: across, height: down, ...content }: FigurePanel): Cell {
  const scale = "image" in content ? panelScale({ width: across, height: down }) / 2 : 1;
  const [width, height] = [across * scale, down * scale];
  const wrapped = (text: string): string[] =>
    wrapText(cleanText(text), Math.max(width, minCaptionWidth), small);
  // Details are more prominent than the caption, which only names the picture.
  const lines = [
    ...wrapped(caption).map((text) => ({ text, isSoft: true })),
    ...details.flatMap(wrapped).map((text) => ({ text, isSoft: false })),
  ];
  const space = Math.ceil(Math.max(width, ...lines.map(({ text }) => textWidth(text, small))));
  return { ...content, caption: lines, width, height, space };
}

const rowWidth = (row: readonly Cell[]): number =>
  row.reduce((sum, { space }) => sum + space, gap * (row.length - 1));

function inRows(cells: readonly Cell[]): Cell[][] {
  const rows: Cell[][] = [];
  const most = cells.length > few ? maxWidth.many : maxWidth.few;
  for (const cell of cells) {
    const row = rows.at(-1);
    if (row && rowWidth([...row, cell]) <= most) row.push(cell);
    else rows.push([cell]);
  }
  return rows;
}
