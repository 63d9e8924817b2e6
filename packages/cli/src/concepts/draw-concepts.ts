/** The strongest channels of an answer -> a contact sheet: the network's view of the picture, and each channel's map. */

import { basename } from "node:path";
import { legend, type FigurePanel, type Heatmap, type Pixels, type Theme } from "@relprop/core/heatmap";
import type { AnswerRecord } from "./concept-record.ts";
import { passageText, shareText, sumTexts } from "./concept-text.ts";
import { drawnFigure, figurePanel } from "../pages/figure-parts.ts";
import { howText } from "../pages/page-parts.ts";
import { answerText } from "../run/score.ts";
import type { Coloring } from "../run/decide.ts";
import type { DrawnFigure } from "../pages/figure-parts.ts";

/** The maximum number of maps on a sheet; a layer may have thousands of channels. */
export const maxMapsOnSheet = 30;

/** The content of a sheet. */
export interface SheetParts {
  readonly input: string;
  readonly layer: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly answer: AnswerRecord;
  /** The picture: what the network did not see is veiled, the explained box drawn in. */
  readonly picture: Pixels;
  /** The maps of the answer's concepts, in the same order. */
  readonly heatmaps: readonly Heatmap[];
  readonly coloring: Coloring;
  readonly theme: Theme;
}

const isFlat = ({ normalized: { low, high } }: Heatmap): boolean => low === high;

/** Draws the contact sheet of an answer with at least one channel. */
export async function drawConcepts(parts: SheetParts): Promise<DrawnFigure> {
  const { input, layer, answer, picture, coloring, theme } = parts;
  const heatmaps = parts.heatmaps.slice(0, maxMapsOnSheet);
  // A map of zeros has no signs, so the legend uses another one.
  const first = heatmaps.find((each) => !isFlat(each)) ?? (heatmaps[0] as Heatmap);
  const { concepts } = answer;
  const panels: FigurePanel[] = [await figurePanel("what the network saw", picture)];
  for (const [i, heatmap] of heatmaps.entries()) {
    const { channel, share, ...sums } = concepts[i] as (typeof concepts)[number];
    const details = [shareText(share), ...sumTexts(sums)];
    panels.push({ ...(await figurePanel(`channel ${channel}`, heatmap)), details });
  }
  const shown = heatmaps.length < concepts.length ? `${heatmaps.length} of the ${concepts.length}` : "the";
  const { sentence, ends } = legend(first, coloring.normalize, answer.label);
  const settings = parts.settings.map(([name, value]): [string, string] => [name, value]);
  const model = settings.filter(([name]) => name === "model").map((each) => each.join(" "));
  const figure = {
    title: basename(input),
    explained: [
      answerText(answer),
      `${shown} strongest channels of ${layer}; shares are of Σ|R| over all of its channels`,
      `${passageText(answer)}.`,
    ],
    panels,
    colormap: first.colormap,
    legend: { ends, ticks: ownScale, sentence: `${sentence} Each map reaches to its own largest relevance.` },
    method: [...model, ...howText(settings)],
    theme,
  };
  return drawnFigure(figure, { v: 2, input, settings: Object.fromEntries(settings), layer, ...answer });
}

/** Ticks without numbers, since each map has its own scale. */
const ownScale = [
  { position: 0, value: -1, text: "" },
  { position: 0.5, value: 0, text: "0" },
  { position: 1, value: 1, text: "" },
];
