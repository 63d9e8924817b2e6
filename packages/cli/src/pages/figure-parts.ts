/** Figures as files, and the pictures in them. */

import {
  asciiJson,
  enlarge,
  figureSvg,
  panelScale,
  stampPng,
  type Figure,
  type FigurePanel,
  type Pixels,
} from "@relprop/core/heatmap";
import { pngOf } from "./png.ts";
import { rasterize } from "./rasterize.ts";

/** Under this keyword a figure's PNG carries what it shows, as JSON. */
export const figureKeyword = "relprop-figure";

/** A figure, drawn for screens and as the text that it is drawn from. */
export interface DrawnFigure {
  readonly svg: string;
  readonly png: () => Promise<Uint8Array>;
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
