/** An explained part of an image's answer -> the figure that says what it shows. */

import { basename } from "node:path";
import type { Heatmap, Legend, Pixels, Theme } from "@relprop/core/heatmap";
import { explainedText } from "./explained-text.ts";
import type { AnswerResult, ImageResult } from "./image-result.ts";
import { drawnFigure, figurePanel, type DrawnFigure } from "../pages/figure-parts.ts";
import { howText } from "../pages/page-parts.ts";

/** What a figure is drawn from. */
export interface FigureParts {
  readonly result: Pick<ImageResult, "input" | "settings" | "top">;
  readonly shown: AnswerResult;
  /** The whole picture, what the network did not see veiled and the explained box drawn in. */
  readonly picture: Pixels;
  readonly heatmap: Heatmap;
  readonly legend: Legend;
  readonly theme: Theme;
}

/** Draws picture and heatmap side by side, with all that has to be known of them. */
export async function drawFigure(parts: FigureParts): Promise<DrawnFigure> {
  const { result, shown, picture, heatmap, legend, theme } = parts;
  const model = result.settings.filter(([name]) => name === "model").map((each) => each.join(" "));
  const figure = {
    title: basename(result.input),
    explained: explainedText(result, shown),
    panels: [await figurePanel("input", picture), await figurePanel("relevance", heatmap)],
    colormap: heatmap.colormap,
    legend,
    ...(shown.ledger && { verdict: shown.ledger.verdict }),
    method: [...model, ...howText(result.settings)],
    theme,
  };
  const { files: _, ...said } = shown;
  const { input, settings, top } = result;
  return drawnFigure(figure, {
    v: 2,
    input,
    settings: Object.fromEntries(settings),
    ...said,
    top,
  });
}
