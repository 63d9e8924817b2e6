/** Which number of an answer is watched while the input changes. */

import { pickClass, pickWeights, type Pick, type PickSource } from "../answers/picks.ts";
import type { WatchedNumber } from "./removal.ts";

/** The number of what is explained, and how to read it in the answer to another input. */
export interface AnswerNumber extends WatchedNumber {
  /** The same number in a sample of another answer. */
  readonly of: (source: PickSource, sample: number) => number;
}

/** Numbers of a pick, the one that is watched first. */
const fields = ["probability", "value", "logit"] as const;

/**
 * The probability of what a pick explains; where it has none (values, several elements) the value, or the logit where it
 * belongs to no output.
 * @param source the answer that was picked from, as its first sample
 */
export function answerNumber(source: PickSource, { numbers, elements, target }: Pick): AnswerNumber {
  const { index } = numbers;
  // A yes-or-no answer has numbers of its own for no, which weights do not tell.
  const isOne = index !== undefined && elements === 1 && source.facts.placeAxes.length === 0;
  const read = (other: PickSource, sample: number): Pick["numbers"] =>
    isOne ? pickClass(other, sample, index).numbers : pickWeights(other, sample, target).numbers;
  // Read as it is read later: a pick itself may know more numbers.
  const first = read(source, 0);
  const what = fields.find((field) => first[field] !== undefined) ?? "value";
  return {
    what,
    kind: what === "probability" ? "probability" : "value",
    whole: first[what] ?? Number.NaN,
    of: (other, sample) => read(other, sample)[what] ?? Number.NaN,
  };
}
