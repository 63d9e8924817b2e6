/** How the patches changed the network's answer. */

import type { AnswerNumbers, Explained } from "@relprop/engine/engine";

/** One number before and after. */
export interface ComparedNumber {
  readonly index: number;
  /** Logits if the answer has them, else values. */
  readonly before: number;
  readonly after: number;
  /** after − before. */
  readonly change: number;
  /** Present if the model gives probabilities. */
  readonly probability?: readonly [before: number, after: number];
}

/**
 * The numbers worth comparing, highest before first: the best `count` before, the best `count` after, and the
 * explained ones. None if the answer is not a list.
 */
export function comparedNumbers(
  before: AnswerNumbers,
  after: AnswerNumbers,
  explained: readonly number[],
  count = 3,
): readonly ComparedNumber[] {
  const from = before.logits ?? before.values;
  const to = after.logits ?? after.values;
  if (!from || !to) return [];
  const chosen = new Set([...best(from, count), ...best(to, count)]);
  for (const index of explained) if (index < from.length) chosen.add(index);
  const compared = [...chosen].map((index) => {
    const numbers = [at(from, index), at(to, index)] as const;
    const [was, is] = [before.probabilities, after.probabilities];
    const probability = was && is && ([at(was, index), at(is, index)] as const);
    return comparedNumber(index, numbers, probability);
  });
  return compared.sort((a, b) => b.before - a.before);
}

/** The explained sum, if the answer is not a list. */
export function comparedSum(before: number, { numbers }: Explained): readonly ComparedNumber[] {
  const after = numbers.logit ?? numbers.value ?? 0;
  return [{ index: numbers.index ?? 0, before, after, change: after - before }];
}

function comparedNumber(
  index: number,
  [before, after]: readonly [number, number],
  probability: ComparedNumber["probability"],
): ComparedNumber {
  const number = { index, before, after, change: after - before };
  return probability ? { ...number, probability } : number;
}

const at = (numbers: Float32Array, index: number): number => numbers[index] ?? 0;

function best(numbers: Float32Array, count: number): number[] {
  return Array.from(numbers, (_, index) => index)
    .sort((a, b) => (numbers[b] ?? 0) - (numbers[a] ?? 0))
    .slice(0, count);
}
