/** The default colours of heatmaps, for the command, the studio and the library. */

import { colormap, type ColormapName } from "./colormaps.ts";
import type { Normalization } from "./normalize.ts";

/** The colours of a heatmap. */
export interface UsualColoring {
  /** As {@link renderHeatmap} takes it. */
  readonly colormap: ColormapName;
  /** Which range of relevance it covers. */
  readonly normalize: Normalization;
  /** Percentile that gets the colour at the end of the map, see {@link NormalizeOptions.clip}. */
  readonly clip: number;
}

/** Percentile for signed maps: they often have a few pixels, for example at borders, that would leave all others pale. */
export const signedClip = 99.5;

/**
 * The default colours. For signed relevance zero is the middle of `bwr`, which is white, or on a dark page of `coldnhot`,
 * which is black. Relevance that is never negative (the whole prediction, from the softmax) gets `afmhot`, from its
 * smallest value to its largest.
 */
export function usualColoring(isSigned: boolean, isDark = false): UsualColoring {
  if (!isSigned) return { colormap: "afmhot", normalize: "min-max", clip: 100 };
  return { colormap: isDark ? "coldnhot" : "bwr", normalize: "symmetric", clip: signedClip };
}

/** The colours that the user asks for; the others are chosen. */
export interface ColoringOptions {
  /** One of {@link colormapNames}. @default that of {@link usualColoring} */
  readonly colormap?: string | undefined;
  /** @default `symmetric` for diverging maps, else `min-max` */
  readonly normalize?: Normalization | undefined;
  /** Percentile, see {@link NormalizeOptions.clip}. @default 99.5 for `symmetric`, else 100 */
  readonly clip?: number | undefined;
}

/**
 * The colours of a heatmap: those asked for, completed by {@link usualColoring} and by what the kind of the map needs.
 * @throws OptionError if the colour map does not exist
 */
export function chooseColoring(isSigned: boolean, options: ColoringOptions, isDark = false): UsualColoring {
  const map = colormap(options.colormap ?? usualColoring(isSigned, isDark).colormap);
  const normalize = options.normalize ?? (map.kind === "diverging" ? "symmetric" : "min-max");
  return {
    colormap: map.name,
    normalize,
    clip: options.clip ?? (normalize === "symmetric" ? signedClip : 100),
  };
}
