/** Where everything of a figure lies: boxes and lines of text, in pixels at 1×, y downwards. */

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
import type { Figure, FigurePanel } from "./figure-parts.ts";
import { capital, type Legend } from "./legend.ts";

/** A line of text. `x` is its start, middle or end, as `anchor` says, and `y` its baseline. */
export interface PlacedText extends TextStyle {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly anchor: "start" | "middle" | "end";
  readonly isSoft: boolean;
}

/** A rectangle. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture and where it goes. */
export interface PlacedImage extends Box {
  /** As {@link FigurePanel} has it. */
  readonly image: string;
}

/** A laid out figure. */
export interface FigureLayout {
  readonly width: number;
  readonly height: number;
  readonly texts: readonly PlacedText[];
  readonly images: readonly PlacedImage[];
  readonly bar: Box;
}

const margin = 20;
const gap = 16;
/** Texts get this width also where the pictures are narrower. */
const leastWidth = 440;
/** A row of pictures is no wider; of many pictures it is wider, so that the figure does not become a strip. */
const mostWidth = { few: 760, many: 1100 };
const few = 6;
const lineHeight = 1.4;
const barHeight = 10;

const heading: TextStyle = { size: 18, isBold: true };
const ordinary: TextStyle = { size: 13, isBold: false };
const small: TextStyle = { size: 12, isBold: false };

/** Pixels that a picture's longer side takes at 2×, about; wide pictures lie below each other and have all the width. */
const target = { wide: 960, tall: 640, other: 480 };

/**
 * How many pixels of a 2× figure one pixel of a picture takes: a whole number, or one over a whole number, so that the pixels
 * of a heatmap stay squares of one size. Enlarge a picture by it before it goes into a figure, if it is above 1.
 */
export function panelScale({ width, height }: { readonly width: number; readonly height: number }): number {
  const kind = width > 1.8 * height ? "wide" : height > 1.8 * width ? "tall" : "other";
  const ratio = target[kind] / Math.max(width, height);
  return ratio >= 0.7 ? Math.max(1, Math.round(ratio)) : 1 / Math.round(1 / ratio);
}

/** The box that a line of text takes, as the layout measures it. */
export function textBox({ text, x, y, anchor, size, isBold }: PlacedText): Box {
  const width = textWidth(text, { size, isBold });
  const left = { start: x, middle: x - width / 2, end: x - width }[anchor];
  return { x: left, y: y - ascent * size, width, height: (ascent + descent) * size };
}

/** Lays a figure out: names, pictures in rows, the colour bar, what it means, how it was made. */
export function layoutFigure(figure: Figure): FigureLayout {
  const rows = inRows(figure.panels.map(cellOf));
  const inner = Math.max(leastWidth, ...rows.map(rowWidth));
  const texts: PlacedText[] = [];
  const images: PlacedImage[] = [];
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
    // On whole pixels, else those of the picture are mixed with their neighbours.
    const under = Math.ceil(top + captions + 3);
    let x = margin;
    for (const { caption, space, ...picture } of row) {
      y = top;
      for (const { text, isSoft } of caption) lines([text], small, isSoft, x);
      images.push({ ...picture, x, y: under });
      x += space + gap;
    }
    y = under + Math.max(...row.map(({ height }) => height)) + gap;
  }

  y = Math.ceil(y);
  const bar = { x: margin, y, width: inner, height: barHeight };
  y += barHeight + 3;
  texts.push(...tickTexts(figure.legend, bar, baseline(y, small)));
  y += lineHeight * small.size + 4;
  paragraph(figure.legend.sentence, ordinary);
  if (figure.verdict !== undefined) paragraph(`${capital(figure.verdict)}.`, ordinary);
  y += 4;
  lines(wrapItems(figure.method.map(cleanText), inner, small), small, true);
  return { width: Math.ceil(inner + 2 * margin), height: Math.ceil(y + margin - 4), texts, images, bar };
}

/** Baseline of a line of text whose room begins at a height. */
const baseline = (top: number, { size }: TextStyle): number =>
  top + ((lineHeight + ascent - descent) / 2) * size;

/** Numbers below a colour bar, and what its ends mean in a word. */
function tickTexts({ ticks, ends }: Legend, bar: Box, y: number): PlacedText[] {
  return ticks.map(({ position, text }) => {
    const anchor = position === 0 ? "start" : position === 1 ? "end" : "middle";
    const words = { start: `${text} ${ends[0]}`, middle: text, end: `${ends[1]} ${text}` }[anchor];
    return { ...small, text: words.trim(), isSoft: false, anchor, x: bar.x + position * bar.width, y };
  });
}

/** A picture, its caption on as many lines as it takes, and the width that the two need. */
interface Cell extends Omit<PlacedImage, "x" | "y"> {
  readonly caption: readonly Pick<PlacedText, "text" | "isSoft">[];
  readonly space: number;
}

/** Captions of narrow pictures may be this wide. */
const leastCell = 110;

function cellOf({ caption, details = [], image, ...size }: FigurePanel): Cell {
  const scale = panelScale(size) / 2;
  const [width, height] = [size.width * scale, size.height * scale];
  const wrapped = (text: string): string[] => wrapText(cleanText(text), Math.max(width, leastCell), small);
  // A caption names a picture; what is said of it stands out from the name.
  const lines = [
    ...wrapped(caption).map((text) => ({ text, isSoft: true })),
    ...details.flatMap(wrapped).map((text) => ({ text, isSoft: false })),
  ];
  const space = Math.ceil(Math.max(width, ...lines.map(({ text }) => textWidth(text, small))));
  return { caption: lines, image, width, height, space };
}

const rowWidth = (row: readonly Cell[]): number =>
  row.reduce((sum, { space }) => sum + space, gap * (row.length - 1));

function inRows(cells: readonly Cell[]): Cell[][] {
  const rows: Cell[][] = [];
  const most = cells.length > few ? mostWidth.many : mostWidth.few;
  for (const cell of cells) {
    const row = rows.at(-1);
    if (row && rowWidth([...row, cell]) <= most) row.push(cell);
    else rows.push([cell]);
  }
  return rows;
}
