/** One of the classes a sample could belong to. */
export interface RankedClass {
  readonly index: number;
  /** The output before softmax. */
  readonly logit: number;
  /** Its softmax over all classes. */
  readonly probability: number;
}

/** One sample's highest logits, best first, with their softmax over all of them. */
export function rankClasses(logits: Float32Array, count: number): RankedClass[] {
  const highest = logits.reduce((a, n) => Math.max(a, n), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
  return Array.from(logits, (logit, index) => ({
    index,
    logit,
    probability: Math.exp(logit - highest) / total,
  }))
    .sort((a, c) => c.logit - a.logit)
    .slice(0, count);
}
