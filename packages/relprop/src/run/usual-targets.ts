/** Default targets that are computed from an answer. */

import type { FloatArray } from "./float-array.ts";
import { sizeAlong } from "../onnx/axis.ts";
import { rankClasses } from "../answers/rank-classes.ts";

/** [N, T, words] -> one-hot at the highest word of the last position of each sample: the next token. */
export function nextTokens({ data, dims }: FloatArray): FloatArray {
  const [batch = 1, length = 1, words = 1] = dims;
  const target = new Float32Array(data.length);
  for (let sample = 0; sample < batch; sample++) {
    const start = ((sample + 1) * length - 1) * words;
    const [best] = rankClasses(data.subarray(start, start + words), 1);
    target[start + (best?.index ?? 0)] = 1;
  }
  return { data: target, dims };
}

/** Each sample's embedding, normalised to length 1. As a target it explains the embedding's length. */
export function directions({ data, dims }: FloatArray, batchAxis: number | undefined): FloatArray {
  const samples = sizeAlong(dims, batchAxis);
  const size = data.length / samples;
  const target = new Float32Array(data.length);
  for (let sample = 0; sample < samples; sample++) {
    const row = data.subarray(sample * size, (sample + 1) * size);
    const length = Math.hypot(...row) || 1;
    target.set(
      row.map((number) => number / length),
      sample * size,
    );
  }
  return { data: target, dims };
}
