/** Plots as SVG elements that figures take: no page, no style sheet, no colour of the surroundings. */

import { plot, type PlotOptions } from "@observablehq/plot";
import { type FigureDrawing } from "@relprop/core/heatmap";
import { cleanText, textWidth, type TextStyle } from "@relprop/core/internal";
import { parseHTML } from "linkedom";
import type { Look } from "./figure-text.ts";

/** The text of axes and marks. */
export const plotText: TextStyle = { size: 11, isBold: false };

/** A plot and its caption. Its size is the plot's. */
export function plotDrawing(
  caption: string,
  options: PlotOptions & { readonly width: number; readonly height: number },
  { paints }: Look,
  details: readonly string[] = [],
): FigureDrawing {
  const { document } = parseHTML("<html></html>");
  const svg = plot({ ...options, document });
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const name of ["fill", "stroke"])
    for (const each of svg.querySelectorAll(`[${name}=currentColor]`)) each.setAttribute(name, paints.ink);
  const drawing = `<g font-size="${plotText.size}" text-anchor="middle" fill="${paints.ink}">${svg.innerHTML}</g>`;
  const { width, height } = options;
  return { caption, ...(details.length > 0 && { details }), drawing, width, height };
}

/** What all axes share: soft ticks. */
export const axisStyle = ({ paints }: Look): { color: string; fontSize: number; tickSize: number } => ({
  color: paints.soft,
  fontSize: plotText.size,
  tickSize: 4,
});

/** A name of at most a width, in pixels; what is cut off is replaced by an ellipsis. */
export function clipName(name: string, width: number): string {
  const clean = cleanText(name);
  if (textWidth(clean, plotText) <= width) return clean;
  let kept = "";
  for (const { segment } of graphemes.segment(clean)) {
    if (textWidth(`${kept}${segment}…`, plotText) > width) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The width of the widest of some texts, in pixels. */
export const widest = (texts: readonly string[]): number =>
  Math.ceil(texts.reduce((most, text) => Math.max(most, textWidth(text, plotText)), 0));

/** Names, where one has none that of its kind and its index: `feature 3`, `axis 0 = 3`. */
export const namesOf = (count: number, names: readonly string[] = [], kind = ""): string[] =>
  Array.from(
    { length: count },
    (_, i) => cleanText(names[i] ?? "") || (/\d$/.test(kind) ? `${kind} = ${i}` : `${kind} ${i}`.trim()),
  );
