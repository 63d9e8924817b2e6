/** Maps of the network's input, drawn on the whole picture. */

import {
  drawBox,
  placeHeatmap,
  renderOverlay,
  veilUnseen,
  type DrawnBox,
  type Heatmap,
  type Pixels,
  type Placement,
} from "@relprop/core/heatmap";
import type { SeenPicture } from "../files/read-images.ts";

/** Drawings of one picture, all of its proportions and of one size; what the network did not see is veiled. */
export interface WholeDrawings {
  /** Whether a part of the picture is veiled. */
  readonly isCropped: boolean;
  /** The picture, the explained box drawn in. */
  readonly picture: Pixels;
  readonly heatmap: Heatmap;
  /** The heatmap over the gray picture, the explained box drawn in. */
  readonly overlay: () => Pixels;
}

/** @param box what is explained, in the picture's own pixels */
export function drawWhole(
  { whole, geometry }: Pick<SeenPicture, "whole" | "geometry">,
  heatmap: Heatmap,
  box: DrawnBox | undefined,
): WholeDrawings {
  const across = whole.width / geometry.picture.width;
  const down = whole.height / geometry.picture.height;
  const scaled = ({ left, top, right, bottom }: Placement): Placement => ({
    left: left * across,
    top: top * down,
    right: right * across,
    bottom: bottom * down,
  });
  const placement = scaled(geometry.frame);
  const placed = placeHeatmap(heatmap, placement, whole);
  const finished = (pixels: Pixels): Pixels => {
    const veiled = veilUnseen(pixels, placement);
    return box ? drawBox(veiled, scaled(box)) : veiled;
  };
  const { left, top, right, bottom } = geometry.frame;
  const { width, height } = geometry.picture;
  return {
    isCropped: left > 0 || top > 0 || right < width || bottom < height,
    // Each is drawn only if it is asked for: films take one of them for each frame.
    get picture() {
      return finished(whole);
    },
    get heatmap() {
      return { ...placed, data: veilUnseen(placed, placement).data };
    },
    overlay: () => finished(renderOverlay(whole, placed)),
  };
}
