/** Scales a coarse map to a picture's size. */

import type { RelevanceMap } from "@relprop/core/heatmap";

/** The cell of a map under a pixel of a picture, along one axis. */
export const cellOf = (pixel: number, pixels: number, cells: number): number =>
  Math.min(cells - 1, Math.floor(((pixel + 0.5) * cells) / pixels));

/** Repeats each cell over the pixels under it. Values are unchanged, so the sum grows: for drawing only. */
export function upscale(
  { data, height, width }: RelevanceMap,
  to: Pick<RelevanceMap, "height" | "width">,
): RelevanceMap {
  const large = new Float32Array(to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    const row = width * cellOf(y, to.height, height);
    for (let x = 0; x < to.width; x++) large[y * to.width + x] = data[row + cellOf(x, to.width, width)] ?? 0;
  }
  return { data: large, height: to.height, width: to.width };
}
