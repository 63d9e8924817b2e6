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
  const { positions, rest } = normalized;
  const colors = opaque(map.colors);
  const pixels = new Uint32Array(height * width);
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = colors[Math.round(255 * (positions[i] ?? rest))] as number;
  }
  const data = new Uint8ClampedArray(pixels.buffer);
  return { data, height, width, colormap: map, normalized };
}

/** Colours of 3 bytes as pixels of 4, whatever the order of bytes in a number. */
function opaque(colors: Uint8Array): Uint32Array {
  const bytes = Uint8Array.from({ length: (4 * colors.length) / 3 }, (_, at) =>
    at % 4 === 3 ? 255 : (colors[3 * Math.floor(at / 4) + (at % 4)] as number),
  );
  return new Uint32Array(bytes.buffer);
}
