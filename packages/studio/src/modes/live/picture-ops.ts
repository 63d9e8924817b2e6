/** Simple operations on pictures and maps. */

import type { DrawnBox } from "@relprop/core/heatmap";
import type { Picture } from "@relprop/engine/engine";

/** Exchanges left and right; the `channels` values of a pixel stay together. Returns the same type of array. */
function flipped<Values extends Uint8ClampedArray | Float32Array>(
  from: Values,
  to: Values,
  width: number,
  channels: number,
): Values {
  const row = width * channels;
  for (let start = 0; start < from.length; start += row) {
    for (let x = 0; x < width; x++) {
      const source = start + (width - 1 - x) * channels;
      to.set(from.subarray(source, source + channels), start + x * channels);
    }
  }
  return to;
}

/** Mirrors a picture. */
export function mirrored({ data, width, height }: Picture): Picture {
  return { data: flipped(data, new Uint8ClampedArray(data.length), width, 4), width, height };
}

/** Mirrors relevance. */
export function mirroredMap<M extends { readonly data: Float32Array; readonly width: number }>(map: M): M {
  return { ...map, data: flipped(map.data, new Float32Array(map.data.length), map.width, 1) };
}

/** Mirrors a box in a picture of the given width. */
export const mirroredBox = (box: DrawnBox, width: number): DrawnBox => ({
  ...box,
  left: width - box.right,
  right: width - box.left,
});

/** Inverts brightness: dark ink on light paper becomes light strokes on black. */
export function inverted({ data, width, height }: Picture): Picture {
  return { data: data.map((value, i) => (i % 4 === 3 ? value : 255 - value)), width, height };
}
