/** Relevance and pictures -> pixels. */

import { colormap, type Colormap } from "./colormaps.ts";
import { normalize, type NormalizeOptions, type Normalized } from "./normalize.ts";

/** Relevance of one picture, channels summed: [H, W], row by row. */
export interface RelevanceMap {
  readonly data: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
}

/** Pixels as canvases and image libraries take them: RGBA, 4 bytes a pixel, row by row. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly height: number;
  readonly width: number;
}

/** How a heatmap is drawn. */
export interface HeatmapOptions extends NormalizeOptions {
  /** Name of a colour map, see `colormapNames`. */
  readonly colormap: string;
}

/** A drawn heatmap, and what its colours mean. */
export interface Heatmap extends Pixels {
  readonly colormap: Colormap;
  readonly normalized: Normalized;
}

/**
 * Draws relevance as a picture of the same size, one opaque pixel a value.
 * @throws OptionError if there is no such colour map, InputError if the relevance isn't finite or not H·W values.
 */
export function renderHeatmap(relevance: RelevanceMap, options: HeatmapOptions): Heatmap {
  const { height, width } = relevance;
  const map = colormap(options.colormap);
  const normalized = normalize(relevance.data, options);
  const data = new Uint8ClampedArray(4 * height * width);
  const { positions, rest } = normalized;
  const { colors } = map;
  for (let i = 0, at = 0; i < height * width; i++, at += 4) {
    const entry = 3 * Math.round(255 * (positions[i] ?? rest));
    data[at] = colors[entry] as number;
    data[at + 1] = colors[entry + 1] as number;
    data[at + 2] = colors[entry + 2] as number;
    data[at + 3] = 255;
  }
  return { data, height, width, colormap: map, normalized };
}
