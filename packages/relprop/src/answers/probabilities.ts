/** Logits -> probabilities. */

/** Of one yes-or-no question. */
export const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Of classes that exclude each other. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const numbers = Float64Array.from(logits);
  const highest = numbers.reduce((a, n) => Math.max(a, n), -Infinity);
  const powers = numbers.map((logit) => Math.exp(logit - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
