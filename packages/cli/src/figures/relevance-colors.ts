/** Relevance -> colours of thin marks, which must stand out from the paper. */

import { legend, normalize, type Colormap, type Legend, type Normalized } from "@relprop/core/heatmap";
import type { FigureText, Look, Numbers } from "./figure-text.ts";

/** Relevance on a colour map, with the legend of both. */
export interface Colored {
  readonly map: Colormap;
  readonly normalized: Normalized;
  readonly legend: Legend;
}

/**
 * Places relevance on a colour map.
 * @param part what each value belongs to, in a word
 * @throws InputError if relevance is not finite
 */
export function colored(
  relevance: Numbers,
  text: FigureText,
  { coloring, map }: Look,
  part: string,
): Colored {
  const normalized = normalize(relevance, coloring);
  const itsLegend = legend({ colormap: map, normalized }, coloring.normalize, text.label, part);
  return { map, normalized, legend: itsLegend };
}

/** Contrast of thin marks with the paper, as a ratio (WCAG 2.2, 1.4.11). */
const leastContrast = 3;

/** A colour map whose colours stand out from the paper: those that are too close to it are mixed with the soft ink. */
export function standingOut(map: Colormap, { paints }: Look): Colormap {
  const paper = luminance(rgbOf(paints.paper));
  const ink = rgbOf(paints.soft);
  const colors = map.colors.slice();
  for (let at = 0; at < colors.length; at += 3) {
    const plain = [...map.colors.subarray(at, at + 3)];
    let mixed = plain;
    for (let share = 0; share <= 1 && contrast(luminance(mixed), paper) < leastContrast; share += 0.05)
      mixed = plain.map((each, i) => Math.round((1 - share) * each + share * (ink[i] ?? 0)));
    colors.set(mixed, at);
  }
  return { ...map, colors };
}

const rgbOf = (hex: string): number[] => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** Relative luminance of sRGB. */
function luminance(rgb: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const contrast = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
