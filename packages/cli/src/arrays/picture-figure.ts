/** Pictures beside other inputs: the picture, and its relevance over it. */

import type { FloatArray } from "@relprop/core";
import { colormap, legend, renderHeatmap, type Figure } from "@relprop/core/heatmap";
import type { SeenPicture } from "../files/read-images.ts";
import { figurePanel } from "../pages/figure-parts.ts";
import { drawWhole } from "../pages/whole-picture.ts";
import type { Coloring } from "../run/decide.ts";
import { relevanceMap } from "../run/relevance-map.ts";
import { figureOf, type FigureText } from "../figures/figure-text.ts";

/**
 * Draws a picture with the relevance of its pixels, summed over colours.
 * @param relevance [C, H, W] or [H, W, C], as the network sees it
 */
export async function pictureFigure(
  seen: SeenPicture,
  relevance: FloatArray,
  text: FigureText,
  coloring: Coloring,
): Promise<Figure> {
  const heatmap = renderHeatmap(relevanceMap(relevance, seen.width, seen.height), coloring);
  const whole = drawWhole(seen, heatmap, undefined);
  const panels = [
    await figurePanel(whole.isCropped ? "input; cropped: under gray" : "input", whole.picture),
    await figurePanel("relevance over the input", whole.overlay()),
  ];
  return figureOf(text, panels, {
    colormap: colormap(coloring.colormap),
    legend: legend(heatmap, coloring.normalize, text.label),
  });
}
