/** Maps of the network's input, drawn on the whole picture. */

import {
  drawBox,
  placeHeatmap,
  renderOverlay,
  veilUnseen,
  type DrawingSize,
  type DrawnBox,
  type Heatmap,
  type Pixels,
  type Placement,
} from "@relprop/core/heatmap";
import type { PictureFrame } from "@relprop/core/preprocess";
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
  const scaled = scaling(whole, geometry);
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

/** Edges in a picture's own pixels -> in a drawing's of it. */
export function scaling(
  drawing: DrawingSize,
  { picture }: Pick<PictureFrame, "picture">,
): (edges: Placement) => Placement {
  const across = drawing.width / picture.width;
  const down = drawing.height / picture.height;
  return ({ left, top, right, bottom }) => ({
    left: left * across,
    top: top * down,
    right: right * across,
    bottom: bottom * down,
  });
}
