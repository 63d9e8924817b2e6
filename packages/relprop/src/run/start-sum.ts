/** The sum that relevance starts with, and a word for it. */

import type { FloatArray } from "./float-array.ts";
import { indexAlong, sizeAlong } from "../onnx/axis.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import type { SeedRelevance } from "../relevance/composites.ts";
import type { Settings } from "../relevance/settings.ts";
import { elementAt, sure } from "../sure.ts";

/**
 * For each sample: Σ target ⊙ output for the seed `logit`, Σ target for `one`, 1 for `softmax`, 0 for `contrastive`.
 * @param explained the explained tensor
 * @param target weights in its shape, or in one that broadcasts to it
 */
export function startSums(
  seed: SeedRelevance,
  { batchAxis }: Pick<OutputFacts, "batchAxis">,
  { data, dims }: FloatArray,
  target: FloatArray,
): number[] {
  const sums = Array.from({ length: sizeAlong(dims, batchAxis) }, () => 0);
  if (seed === "softmax") return sums.map(() => 1);
  if (seed === "contrastive") return sums;
  const sampleOf = indexAlong(dims, batchAxis);
  for (const [i, weight] of target.data.entries()) {
    if (weight === 0) continue;
    const sample = sampleOf(i);
    sums[sample] = sure(sums[sample]) + (seed === "one" ? weight : weight * elementAt(data, i));
  }
  return sums;
}

/** A word for what relevance starts from: `logit`, `value`, `probability`, or `target` for the target itself. */
export function startWord({ seed }: Pick<Settings, "seed">, { scale }: Pick<OutputFacts, "scale">): string {
  if (seed === "softmax") return "probability";
  if (seed === "one" || seed === "contrastive") return "target";
  return scale.kind === "value" ? "value" : "logit";
}
