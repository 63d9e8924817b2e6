/** Logits -> the best classes. */

import type { RankedClass } from "relprop";

/** How many classes an {@link ExplainResult} ranks. */
export const rankedClasses = 10;

/** The highest logits, best first, with their softmax over all of them. */
export function rankClasses(logits: Float32Array, count: number = rankedClasses): RankedClass[] {
  const highest = logits.reduce((a, n) => Math.max(a, n), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
  return Array.from(logits, (logit, index) => ({
    index,
    logit,
    probability: Math.exp(logit - highest) / total,
  }))
    .sort((a, b) => b.logit - a.logit)
    .slice(0, count);
}
