/** The channels that relevance passes through, for models compiled with `concepts`. */

import { OptionError } from "../errors.ts";
import type { FloatArray } from "./float-array.ts";
import type { Value } from "../onnx/graph.ts";

/**
 * One channel index for all samples, an index for each sample, or factors for the relevance of all channels: C numbers
 * for all samples, or [N, C].
 */
export type Channels = number | readonly number[] | Float32Array | FloatArray;

/**
 * The tensor for the input `channels`, [N, C]: one-hot for indices, ones by default.
 * @param layer the layer and its axis of channels, `Compiled.concepts`
 * @throws OptionError if the channels do not fit the layer
 */
export function channelMask(
  channels: Channels | undefined,
  samples: number,
  { layer, axis }: { readonly layer: Value; readonly axis: number },
): FloatArray {
  const count = layer.shape[axis];
  if (typeof count !== "number") {
    throw new OptionError({
      what: "cannot make the mask of channels",
      where: `layer "${layer.name}", [${layer.shape.join(", ")}]`,
      why: `only a run knows how many channels axis ${axis} has`,
      fix: "fix the image size when compiling, or choose another axis",
    });
  }
  const dims = [samples, count];
  const unfit = (why: string): OptionError =>
    new OptionError({ what: "cannot mask these channels", where: `layer "${layer.name}"`, why });
  if (channels === undefined) return { data: new Float32Array(samples * count).fill(1), dims };
  if (typeof channels === "object" && "dims" in channels) {
    if (channels.dims.join() === dims.join() && channels.data.length === samples * count) return channels;
    throw unfit(`the factors have the shape [${channels.dims.join(", ")}], not [${dims.join(", ")}]`);
  }
  if (channels instanceof Float32Array) {
    if (channels.length === samples * count) return { data: channels, dims };
    if (channels.length !== count)
      throw unfit(`there are ${channels.length} factors for [${dims.join(", ")}]`);
    const data = new Float32Array(samples * count);
    for (let sample = 0; sample < samples; sample++) data.set(channels, sample * count);
    return { data, dims };
  }
  const indices = typeof channels === "number" ? Array.from({ length: samples }, () => channels) : channels;
  if (indices.length !== samples) throw unfit(`${indices.length} channels are named for ${samples} samples`);
  const data = new Float32Array(samples * count);
  for (const [sample, index] of indices.entries()) {
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw unfit(`there is no channel ${index}, only 0 to ${count - 1}`);
    data[sample * count + index] = 1;
  }
  return { data, dims };
}
