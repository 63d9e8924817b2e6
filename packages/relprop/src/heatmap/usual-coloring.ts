/** How heatmaps are coloured where nothing is said: the same everywhere. */

import { colormap, type ColormapName } from "./colormaps.ts";
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

/** What of the colours is asked for; the rest is chosen. */
export interface ColoringWish {
  readonly colormap?: string | undefined;
  readonly normalize?: Normalization | undefined;
  readonly clip?: number | undefined;
}

/**
 * The colours of a heatmap: {@link usualColoring}, and a map that was asked for as its kind needs.
 * @throws OptionError for a colour map that is none
 */
export function chooseColoring(isSigned: boolean, wish: ColoringWish, isDark = false): UsualColoring {
  const map = colormap(wish.colormap ?? usualColoring(isSigned, isDark).colormap);
  const normalize = wish.normalize ?? (map.kind === "diverging" ? "symmetric" : "min-max");
  return {
    colormap: map.name,
    normalize,
    clip: wish.clip ?? (normalize === "symmetric" ? signedClip : 100),
  };
}
