/** Relevance of tokens -> colours, as heatmaps of one row. */

import { legend, renderHeatmap, type Legend } from "@relprop/core/heatmap";
import { cssGradient } from "@relprop/core/internal";
import type { Coloring } from "../run/decide.ts";
import type { Rgb } from "../terminal/terminal-colors.ts";
import type { TextResult } from "./text-result.ts";

/** The colours of an explained class's tokens. */
export interface TextDrawing {
  /** One per token. */
  readonly colors: readonly Rgb[];
  /** Relevance divided by its largest absolute value, from −1 to 1, one per token. */
  readonly strengths: readonly number[];
  readonly legend: Legend;
  /** The colour map as a CSS gradient, for the legend's bar. */
  readonly gradient: string;
}

/** @throws InputError if relevance is not finite */
export function drawTokens({ tokens, label, against }: TextResult, coloring: Coloring): TextDrawing {
  const data = tokens.map(({ relevance }) => relevance);
  const heatmap = renderHeatmap({ data, width: tokens.length, height: 1 }, coloring);
  const pixel = (i: number, channel: number): number => heatmap.data[4 * i + channel] ?? 0;
  const most = Math.max(...data.map(Math.abs)) || 1;
  const name = label.trim();
  const what = against ? `${name}” rather than “${against.label.trim()}` : name;
  return {
    colors: tokens.map((_, i): Rgb => [pixel(i, 0), pixel(i, 1), pixel(i, 2)]),
    strengths: data.map((relevance) => relevance / most),
    legend: legend(heatmap, coloring.normalize, what, "token"),
    gradient: cssGradient(heatmap.colormap),
  };
}
