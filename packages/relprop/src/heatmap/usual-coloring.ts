/** How heatmaps are coloured where nothing is said: the same everywhere. */

import type { ColormapName } from "./colormaps.ts";
import type { Normalization } from "./normalize.ts";

/** Colours of a heatmap. */
export interface UsualColoring {
  readonly colormap: ColormapName;
  readonly normalize: Normalization;
  /** Percentile drawn as the end of the colours. */
  readonly clip: number;
}

/** Signed maps often have a few pixels, at borders above all, that would leave all others pale. */
export const signedClip = 99.5;

/**
 * Relevance with signs: zero is the middle of `bwr`, white, or on a dark page of `coldnhot`, black. Relevance that is never
 * negative (the whole prediction, from the softmax) gets the seed's `afmhot`, from its least value to its largest.
 */
export function usualColoring(isSigned: boolean, isDark = false): UsualColoring {
  if (!isSigned) return { colormap: "afmhot", normalize: "min-max", clip: 100 };
  return { colormap: isDark ? "coldnhot" : "bwr", normalize: "symmetric", clip: signedClip };
}
