/** Lays a heatmap over the picture that it explains. */

import { InputError } from "../errors.ts";
import type { Normalized } from "./normalize.ts";
import { Placer, unseenIn, type DrawingSize, type Placement } from "./place.ts";
import { paint, type Heatmap, type Pixels } from "./render.ts";

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
  blend(picture.data, heatmap.data, normalized, data, opacity);
  return { data, height, width };
}

/**
 * Draws heatmaps of one size over pictures of one size, at one place: what `placeHeatmap`, {@link renderOverlay} and
 * `veilUnseen` give one after the other, in one pass.
 */
export class OverlayPainter {
  readonly #placer: Placer;
  readonly #veil: ReturnType<typeof unseenIn>;
  readonly #colors: Uint32Array<ArrayBuffer>;

  constructor(heatmap: DrawingSize, placement: Placement, picture: DrawingSize) {
    this.#placer = new Placer(heatmap, placement, picture);
    this.#veil = unseenIn(placement, picture.width);
    this.#colors = new Uint32Array(picture.width);
  }

  /** Draws into the picture. */
  paint({ data, width, height }: Pixels, { colormap, normalized }: Heatmap): void {
    const { rest } = normalized;
    for (let y = 0; y < height; y++) {
      const positions = this.#placer.line(normalized, y);
      const colors = paint(positions, colormap, this.#colors);
      const line = data.subarray(4 * y * width, 4 * (y + 1) * width);
      blend(line, colors, { positions, rest }, line, defaultOpacity);
      this.#veil(line, y);
    }
  }
}

/** Lays colours over as many pixels. */
function blend(
  pixels: Uint8ClampedArray,
  colors: Uint8ClampedArray,
  { positions, rest }: Pick<Normalized, "positions" | "rest">,
  to: Uint8ClampedArray,
  opacity: number,
): void {
  for (let i = 0, at = 0; at < to.length; i++, at += 4) {
    const position = positions[i] ?? rest;
    // Brightness (ITU-R BT.601).
    const gray = 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
    if (position === rest) {
      to[at] = gray;
      to[at + 1] = to[at + 2] = to[at] ?? 0;
    } else {
      const alpha = opacity * Math.abs((position - rest) / (1 - rest));
      const dim = (1 - alpha) * gray;
      to[at] = dim + alpha * (colors[at] ?? 0);
      to[at + 1] = dim + alpha * (colors[at + 1] ?? 0);
      to[at + 2] = dim + alpha * (colors[at + 2] ?? 0);
    }
    to[at + 3] = 255;
  }
}
