/** What relevance starts with: its sum, and a word for it. */

import type { FloatArray } from "./float-array.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import type { SeedRelevance } from "../relevance/composites.ts";
import type { Settings } from "../relevance/settings.ts";

/**
 * For each sample: Σ target ⊙ output for the seed `logit`, Σ target for `one`, 1 for `softmax`.
 * @param explained the explained tensor
 * @param target in its shape, or in one that broadcasts to it
 */
export function startSums(
  seed: SeedRelevance,
  { batchAxis }: Pick<OutputFacts, "batchAxis">,
  { data, dims }: FloatArray,
  target: FloatArray,
): number[] {
  const samples = batchAxis === undefined ? 1 : (dims[batchAxis] as number);
  const sums = Array.from({ length: samples }, () => 0);
  if (seed === "softmax") return sums.map(() => 1);
  const stride = batchAxis === undefined ? data.length : sizeOf(dims.slice(batchAxis + 1));
  for (const [i, weight] of target.data.entries()) {
    if (weight === 0) continue;
    const sample = batchAxis === undefined ? 0 : Math.floor(i / stride) % samples;
    sums[sample] = (sums[sample] as number) + (seed === "one" ? weight : weight * (data[i] as number));
  }
  return sums;
}

/** What relevance starts from, in a word: `logit`, `value`, `probability`; `target` where it is the target itself. */
export function startWord({ seed }: Pick<Settings, "seed">, { scale }: Pick<OutputFacts, "scale">): string {
  if (seed === "softmax") return "probability";
  if (seed === "one") return "target";
  return scale.kind === "value" ? "value" : "logit";
}
