/** Draws boxes into pictures. */

import type { Pixels } from "./render.ts";

/** Edges in pixels, fractions allowed; the part outside of the picture is not drawn. */
export interface DrawnBox {
  /** From the left edge of the picture. */
  readonly left: number;
  /** From the upper edge of the picture. */
  readonly top: number;
  /** From the left edge, not from the right. */
  readonly right: number;
  /** From the upper edge, not from the lower. */
  readonly bottom: number;
}

const ink = [255, 200, 0] as const;
const edge = [0, 0, 0] as const;

/** Shorter side in pixels below which the outline has no edges, which would hide much of a small picture. */
const small = 128;

/** A copy of the picture with the outline of the box: yellow between black edges, to stand out on any background. */
export function drawBox({ data, width, height }: Pixels, box: DrawnBox): Pixels {
  const copy = new Uint8ClampedArray(data);
  const thick = Math.max(1, Math.round(Math.min(width, height) / 150));
  const dot = (x: number, y: number, color: readonly [number, number, number]): void => {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    copy.set([...color, 255], 4 * (y * width + x));
  };
  const outline = (out: number, color: readonly [number, number, number]): void => {
    const [left, top] = [Math.round(box.left) - out, Math.round(box.top) - out];
    const [right, bottom] = [Math.round(box.right) + out, Math.round(box.bottom) + out];
    for (let x = Math.max(left, 0); x <= Math.min(right, width - 1); x++) {
      dot(x, top, color);
      dot(x, bottom, color);
    }
    for (let y = Math.max(top, 0); y <= Math.min(bottom, height - 1); y++) {
      dot(left, y, color);
      dot(right, y, color);
    }
  };
  if (Math.min(width, height) >= small) {
    outline(thick, edge);
    outline(-1, edge);
  }
  for (let line = 0; line < thick; line++) outline(line, ink);
  return { data: copy, width, height };
}
