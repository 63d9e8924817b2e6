/** A layer's relevance -> where in the picture it lies, and in which channels. */

import type { FloatArray } from "@relprop/core";
import type { LayerResult } from "./engine.ts";

/** How the tensor of a layer is laid out. */
export interface Places {
  /** The axis of channels; 0 if the tensor has only the batch axis. */
  readonly channelAxis: number;
  /** Rows and columns, if the elements have places in the picture; absent for 1 × 1 and for dense features. */
  readonly size?: readonly [height: number, width: number];
  /** Elements per channel before the first place: the class token. */
  readonly skip: number;
}

/**
 * Reads a shape. [1, C, h, w] is a map of channels (or [1, h, w, C], by the layout). [1, T, C] holds tokens: a map if
 * they fill a square, with or without a class token before them (ViT, Dosovitskiy et al. 2021). Other shapes have no
 * places.
 * @param dims shape for one picture
 */
export function placesOf(dims: readonly number[], layout: "NCHW" | "NHWC"): Places {
  const [, first = 1, second = 1, third = 1] = dims;
  if (dims.length === 4) {
    const isLast = layout === "NHWC";
    const size = isLast ? ([first, second] as const) : ([second, third] as const);
    return { channelAxis: isLast ? 3 : 1, skip: 0, ...(size[0] * size[1] > 1 && { size }) };
  }
  if (dims.length === 3) {
    const skip = isSquare(first) ? 0 : isSquare(first - 1) ? 1 : undefined;
    const side = Math.sqrt(first - (skip ?? 0));
    return { channelAxis: 2, skip: skip ?? 0, ...(skip !== undefined && side > 1 && { size: [side, side] }) };
  }
  return { channelAxis: dims.length > 1 ? 1 : 0, skip: 0 };
}

const isSquare = (n: number): boolean => Number.isInteger(Math.sqrt(n));

/** Sums one picture's relevance: in total, per channel, and per place. */
export function readLayer(
  { data, dims }: FloatArray,
  { channelAxis, size, skip }: Places,
): Pick<LayerResult, "total" | "map" | "channelRelevance"> {
  const channels = channelAxis === 0 ? 0 : (dims[channelAxis] ?? 0);
  // Element i is in channel ⌊i / inner⌋ mod C; the remaining index without the channel is its place.
  const inner = dims.slice(channelAxis + 1).reduce((a, n) => a * n, 1);
  const channelRelevance = new Float32Array(channels);
  const map = size && { data: new Float32Array(size[0] * size[1]), height: size[0], width: size[1] };
  let total = 0;
  for (const [i, R] of data.entries()) {
    total += R;
    if (channels === 0) continue;
    const channel = Math.floor(i / inner) % channels;
    channelRelevance[channel] = (channelRelevance[channel] ?? 0) + R;
    const place = (i % inner) + inner * Math.floor(i / (inner * channels)) - skip;
    if (map && place >= 0) map.data[place] = (map.data[place] ?? 0) + R;
  }
  return { total, channelRelevance, ...(map && { map }) };
}
