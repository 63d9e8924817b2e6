/** Small changes of pictures and maps. */

import type { DrawnBox } from "@relprop/core/heatmap";
import type { Picture } from "@relprop/engine/engine";

/** Left and right exchanged; `channels` values a pixel stay together. The same type of array comes back. */
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

/** A picture as a mirror shows it. */
export function mirrored({ data, width, height }: Picture): Picture {
  return { data: flipped(data, new Uint8ClampedArray(data.length), width, 4), width, height };
}

/** Relevance as a mirror shows it. */
export function mirroredMap<M extends { readonly data: Float32Array; readonly width: number }>(map: M): M {
  return { ...map, data: flipped(map.data, new Float32Array(map.data.length), map.width, 1) };
}

/** A box as a mirror shows it, in a picture so many pixels wide. */
export const mirroredBox = (box: DrawnBox, width: number): DrawnBox => ({
  ...box,
  left: width - box.right,
  right: width - box.left,
});

/** Dark for light, for dark ink on light paper shown to a network that knows light strokes on black. */
export function inverted({ data, width, height }: Picture): Picture {
  return { data: data.map((value, i) => (i % 4 === 3 ? value : 255 - value)), width, height };
}
