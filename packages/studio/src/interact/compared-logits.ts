/** What the patches did to the network's answer. */

/** One class before and after. */
export interface ComparedLogit {
  readonly index: number;
  readonly before: number;
  readonly after: number;
  /** after − before. */
  readonly change: number;
  /** Softmax over all classes, before and after. */
  readonly probability: readonly [before: number, after: number];
}

/**
 * The classes worth comparing, highest before first: the best `count` before, the best `count` after, and those that
 * are explained.
 */
export function comparedLogits(
  before: Float32Array,
  after: Float32Array,
  explained: readonly number[],
  count = 3,
): readonly ComparedLogit[] {
  const chosen = new Set([...best(before, count), ...best(after, count)]);
  for (const index of explained) if (index < before.length) chosen.add(index);
  const sharesBefore = softmax(before);
  const sharesAfter = softmax(after);
  return [...chosen]
    .map((index) => ({
      index,
      before: before[index] ?? 0,
      after: after[index] ?? 0,
      change: (after[index] ?? 0) - (before[index] ?? 0),
      probability: [sharesBefore[index] ?? 0, sharesAfter[index] ?? 0] as const,
    }))
    .sort((a, b) => b.before - a.before);
}

function best(logits: Float32Array, count: number): number[] {
  return Array.from(logits, (_, index) => index)
    .sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0))
    .slice(0, count);
}

function softmax(logits: Float32Array): Float32Array {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
