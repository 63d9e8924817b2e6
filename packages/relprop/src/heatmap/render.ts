/** Draws relevance as pixels. */

import { colormap, type Colormap } from "./colormaps.ts";
import { normalize, type NormalizeOptions, type Normalized } from "./normalize.ts";

/** Relevance of one picture, summed over its channels: [H, W], row by row. */
export interface RelevanceMap {
  /** Unitless, H·W numbers, row by row. */
  readonly data: ArrayLike<number>;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** RGBA pixels, 4 bytes each, row by row, as canvases and image libraries take them. */
export interface Pixels {
  /** Red, green, blue and alpha of each pixel, from 0 to 255. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** Options of {@link renderHeatmap}. */
export interface HeatmapOptions extends NormalizeOptions {
  /** Name of a colour map, see `colormapNames`. */
  readonly colormap: string;
}

/** A heatmap and the meaning of its colours. */
export interface Heatmap extends Pixels {
  /** The colours that it is drawn in. */
  readonly colormap: Colormap;
  /** The range that they cover, and the position of each value in it. */
  readonly normalized: Normalized;
}

/**
 * Draws relevance as a picture of the same size, one opaque pixel for each value.
 * @throws OptionError if the colour map does not exist
 * @throws InputError if the relevance is not finite
 *
 * @example
 *     // relevance [1, H, W], as an explainer with `reduce: "channels"` gives it
 *     const [, height, width] = relevance.dims;
 *     const heatmap = renderHeatmap({ data: relevance.data, height, width }, usualColoring(true));
 *     context.putImageData(new ImageData(heatmap.data, width, height), 0, 0);
 */
export function renderHeatmap(relevance: RelevanceMap, options: HeatmapOptions): Heatmap {
  const { height, width } = relevance;
  const map = colormap(options.colormap);
  const normalized = normalize(relevance.data, options);
  return { data: paint(normalized.positions, map), height, width, colormap: map, normalized };
}

/** Positions on a colour map as opaque pixels. */
export function paint(
  positions: Float32Array,
  map: Colormap,
  pixels: Uint32Array<ArrayBuffer> = new Uint32Array(positions.length),
): Uint8ClampedArray<ArrayBuffer> {
  const opaques = opaque(map);
  // Rounds as `Math.round`, in an eighth of the time: the product of a float32 is exact, and so is the sum.
  for (let i = 0; i < pixels.length; i++) pixels[i] = opaques[(255 * (positions[i] ?? 0) + 0.5) | 0] ?? 0;
  return new Uint8ClampedArray(pixels.buffer);
}

const known = new WeakMap<Colormap, Uint32Array>();

/** Colours of 3 bytes as opaque pixels of 4 bytes, in the byte order of the machine. */
function opaque(map: Colormap): Uint32Array {
  const made = known.get(map);
  if (made) return made;
  const { colors } = map;
  const bytes = Uint8Array.from({ length: (4 * colors.length) / 3 }, (_, at) =>
    at % 4 === 3 ? 255 : (colors[3 * Math.floor(at / 4) + (at % 4)] ?? 0),
  );
  const opaques = new Uint32Array(bytes.buffer);
  known.set(map, opaques);
  return opaques;
}
