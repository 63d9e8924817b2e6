/** Frames and their relevance -> frames of the new film. */

import { Smoother, type FrameRelevance } from "@relprop/engine/smoothing";
import { normalize, renderHeatmap, type DrawnBox, type Heatmap, type Pixels } from "@relprop/core/heatmap";
import type { PictureFrame } from "@relprop/core/preprocess";
import { drawWhole } from "../pages/whole-picture.ts";
import type { Coloring } from "../run/decide.ts";

/**
 * - `overlay`: the heatmap over the grey frame;
 * - `side-by-side`: the frame, and right of it the overlay;
 * - `heatmap`: relevance in colours.
 */
export type FilmView = "overlay" | "side-by-side" | "heatmap";
export const filmViews: readonly FilmView[] = ["overlay", "side-by-side", "heatmap"];

/** Draws a map, of the size that the network saw, on the whole frame, as pictures are drawn. */
export function drawFrame(
  whole: Pixels,
  heatmap: Heatmap,
  geometry: PictureFrame,
  view: FilmView,
  box?: DrawnBox,
): Pixels {
  const drawn = drawWhole({ whole, geometry }, heatmap, box);
  if (view === "heatmap") return drawn.heatmap;
  return view === "overlay" ? drawn.overlay() : beside(whole, drawn.overlay());
}

/** A frame without a map, in the size of the others. */
export const plainFrame = (whole: Pixels, view: FilmView): Pixels =>
  view === "side-by-side" ? beside(whole, whole) : whole;

/**
 * Colours maps so that they do not flicker: each is averaged with the ones before it, and the end of the colours follows
 * slowly what it would be for each map alone.
 */
export function steadyHeatmaps(coloring: Coloring): (map: FrameRelevance, seconds: number) => Heatmap {
  const smoother = new Smoother((values) => {
    const { low, high } = normalize(values, { ...coloring, level: 1 });
    return Math.max(Math.abs(low), Math.abs(high));
  });
  return (map, seconds) => {
    const { relevance, level } = smoother.next(map, 1000 * seconds);
    return renderHeatmap(relevance, { ...coloring, level: coloring.level * level });
  };
}

function beside(left: Pixels, right: Pixels): Pixels {
  const { width, height } = left;
  const data = new Uint8ClampedArray(8 * width * height);
  for (let y = 0; y < height; y++) {
    const row = 4 * y * width;
    data.set(left.data.subarray(row, row + 4 * width), 2 * row);
    data.set(right.data.subarray(row, row + 4 * width), 2 * row + 4 * width);
  }
  return { data, width: 2 * width, height };
}
