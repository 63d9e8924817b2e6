/** Lays a heatmap over the picture that it explains. */

import { InputError } from "../errors.ts";
import type { Heatmap, Pixels } from "./render.ts";

const defaultOpacity = 0.9;

/**
 * Lays a heatmap over the grey picture, as ViRelAy does (Anders et al. 2021): `(1−a)·grey + a·colour` with a = opacity·s,
 * where s is the strength of a pixel, |R|/max for `symmetric` and `absolute`, else (R−min)/(max−min).
 * @param picture the pixels that the network saw, of the heatmap's size; RGBA, alpha is ignored
 * @param opacity of the strongest relevance, in [0, 1]; default 0.9
 * @throws InputError if the sizes differ
 *
 * @example
 *     const overlay = renderOverlay(resample(photo, resizePlan(photo.width, photo.height, card.input)), heatmap);
 */
export function renderOverlay(picture: Pixels, heatmap: Heatmap, opacity: number = defaultOpacity): Pixels {
  const { height, width, normalized } = heatmap;
  if (picture.height !== height || picture.width !== width) {
    throw new InputError({
      what: "cannot lay the heatmap over the picture",
      why: `the picture is ${picture.width}×${picture.height} pixels and the heatmap ${width}×${height}`,
      fix: "give the picture as the network saw it, after resizing and cropping",
    });
  }
  const data = new Uint8ClampedArray(4 * height * width);
  const { positions, rest } = normalized;
  const { data: colors } = heatmap;
  const { data: pixels } = picture;
  for (let i = 0, at = 0; at < data.length; i++, at += 4) {
    const position = positions[i] ?? rest;
    const gray = luma(pixels, at);
    if (position === rest) {
      data[at] = gray;
      data[at + 1] = data[at + 2] = data[at] ?? 0;
    } else {
      const alpha = opacity * Math.abs((position - rest) / (1 - rest));
      const dim = (1 - alpha) * gray;
      data[at] = dim + alpha * (colors[at] ?? 0);
      data[at + 1] = dim + alpha * (colors[at + 1] ?? 0);
      data[at + 2] = dim + alpha * (colors[at + 2] ?? 0);
    }
    data[at + 3] = 255;
  }
  return { data, height, width };
}

/** Brightness of the pixel at an offset, 0..255 (ITU-R BT.601). */
function luma(pixels: ArrayLike<number>, at: number): number {
  return 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
}
