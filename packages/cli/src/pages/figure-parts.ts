/** An explained part of an image's answer -> the figure that says what it shows. */

import { basename } from "node:path";
import {
  asciiJson,
  enlarge,
  figureSvg,
  panelScale,
  stampPng,
  type Figure,
  type FigurePanel,
  type Heatmap,
  type Legend,
  type Pixels,
  type Theme,
} from "@relprop/core/heatmap";
import { explainedText, howText } from "../images/explained-text.ts";
import type { AnswerResult, ImageResult } from "../images/image-result.ts";
import { rasterize } from "./rasterize.ts";
import { pngOf, type DrawnFigure } from "../files/result-writer.ts";

/** Under this keyword a figure's PNG carries what it shows, as JSON. */
export const figureKeyword = "relprop-figure";

/** What a figure is drawn from. */
export interface FigureParts {
  readonly result: Pick<ImageResult, "input" | "settings" | "top">;
  readonly shown: AnswerResult;
  /** What the network saw, the explained box drawn in. */
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

/** A figure as SVG, and as PNG with two pixels for one of the SVG. @param about what the PNG carries: all that it shows */
export function drawnFigure(figure: Figure, about: object): DrawnFigure {
  return {
    svg: figureSvg(figure).svg,
    png: async () =>
      stampPng(await rasterize(figureSvg({ ...figure, scale: 2 }).svg), {
        [figureKeyword]: asciiJson(about),
      }),
  };
}

/** A picture of a figure. */
export async function figurePanel(caption: string, pixels: Pixels): Promise<FigurePanel> {
  const { width, height } = pixels;
  const large = enlarge(pixels, Math.max(1, panelScale(pixels)));
  const png = Buffer.from(await pngOf(large)).toString("base64");
  return { caption, image: `data:image/png;base64,${png}`, width, height };
}
