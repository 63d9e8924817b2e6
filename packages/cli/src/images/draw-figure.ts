/** An explained part of an image's answer -> a figure with legend and settings. */

import { basename } from "node:path";
import type { Legend, Theme } from "@relprop/core/heatmap";
import { explainedText } from "./explained-text.ts";
import type { AnswerResult, ImageResult } from "./image-result.ts";
import { drawnFigure, figurePanel, type DrawnFigure } from "../pages/figure-parts.ts";
import { howText } from "../pages/page-parts.ts";
import type { WholeDrawings } from "../pages/whole-picture.ts";

/** The content of a figure. */
export interface FigureParts extends Omit<WholeDrawings, "overlay"> {
  readonly result: Pick<ImageResult, "input" | "settings" | "top">;
  readonly shown: AnswerResult;
  readonly legend: Legend;
  readonly theme: Theme;
}

/** Draws picture and heatmap side by side, with legend and settings. */
export async function drawFigure(parts: FigureParts): Promise<DrawnFigure> {
  const { result, shown, picture, isCropped, heatmap, legend, theme } = parts;
  const model = result.settings.filter(([name]) => name === "model").map((each) => each.join(" "));
  const figure = {
    title: basename(result.input),
    explained: explainedText(result, shown),
    panels: [
      await figurePanel(isCropped ? "input; cropped: under gray" : "input", picture),
      await figurePanel("relevance", heatmap),
    ],
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
