/** Figures as files, and the pictures in them. */

import {
  enlarge,
  figureSvg,
  panelScale,
  type Figure,
  type FigurePanel,
  type Pixels,
} from "@relprop/core/heatmap";
import { asciiJson, stampPng } from "@relprop/core/internal";
import { pngOf } from "./png.ts";
import { rasterize } from "./rasterize.ts";

/** A figure's PNG carries its content as JSON under this keyword. */
export const figureKeyword = "relprop-figure";

/** A figure as SVG, and rendered as PNG. */
export interface DrawnFigure {
  readonly svg: string;
  readonly png: () => Promise<Uint8Array>;
}

/** Draws a figure as SVG, and as PNG with twice its size. @param about the content that the PNG carries as JSON */
export function drawnFigure(figure: Figure, about: object): DrawnFigure {
  return {
    svg: figureSvg(figure).svg,
    png: async () =>
      stampPng(await rasterize(figureSvg({ ...figure, scale: 2 }).svg), {
        [figureKeyword]: asciiJson(about),
      }),
  };
}

/** Turns pixels into a panel of a figure. */
export async function figurePanel(caption: string, pixels: Pixels): Promise<FigurePanel> {
  const { width, height } = pixels;
  const large = enlarge(pixels, Math.max(1, panelScale(pixels)));
  const png = Buffer.from(await pngOf(large)).toString("base64");
  return { caption, image: `data:image/png;base64,${png}`, width, height };
}
