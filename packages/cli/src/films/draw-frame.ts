/** Frames and their relevance -> frames of the new film. */

import { Smoother, type FrameRelevance } from "@relprop/engine/smoothing";
import {
  drawBox,
  normalize,
  renderHeatmap,
  type DrawingSize,
  type DrawnBox,
  type Heatmap,
  type Pixels,
} from "@relprop/core/heatmap";
import { OverlayPainter } from "@relprop/core/internal";
import type { PictureFrame } from "@relprop/core/preprocess";
import { drawWhole, scaling } from "../pages/whole-picture.ts";
import type { Coloring } from "../run/decide.ts";

/**
 * - `overlay`: the heatmap over the grey frame;
 * - `side-by-side`: the frame, and right of it the overlay;
 * - `heatmap`: relevance in colours.
 */
export type FilmView = "overlay" | "side-by-side" | "heatmap";
export const filmViews: readonly FilmView[] = ["overlay", "side-by-side", "heatmap"];

/** Draws the map of a frame, and what is explained, as pictures are drawn. May draw into the frame itself. */
export type DrawFrame = (whole: Pixels, heatmap: Heatmap, box?: DrawnBox) => Pixels;

/** For frames of one size and maps of the size that the network saw. */
export function frameDrawer(size: DrawingSize, geometry: PictureFrame, view: FilmView): DrawFrame {
  if (view === "heatmap")
    return (whole, heatmap, box) => drawWhole({ whole, geometry }, heatmap, box).heatmap;
  const scaled = scaling(size, geometry);
  const painter = new OverlayPainter(geometry.input, scaled(geometry.frame), size);
  return (whole, heatmap, box) => {
    const twice = view === "side-by-side" ? beside(whole) : undefined;
    painter.paint(whole, heatmap);
    const drawn = box ? drawBox(whole, scaled(box)) : whole;
    return twice ? completed(twice, drawn) : drawn;
  };
}

/** A frame without a map, in the size of the others. */
export const plainFrame = (whole: Pixels, view: FilmView): Pixels =>
  view === "side-by-side" ? completed(beside(whole), whole) : whole;

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

/** A picture of double width, with this one on its left. */
function beside(left: Pixels): Pixels {
  const { width, height } = left;
  const twice = { data: new Uint8ClampedArray(8 * width * height), width: 2 * width, height };
  return copied(left, twice, 0);
}

const completed = (twice: Pixels, right: Pixels): Pixels => copied(right, twice, right.width);

function copied({ data, width, height }: Pixels, to: Pixels, left: number): Pixels {
  for (let y = 0; y < height; y++)
    to.data.set(data.subarray(4 * y * width, 4 * (y + 1) * width), 4 * (y * to.width + left));
  return to;
}
