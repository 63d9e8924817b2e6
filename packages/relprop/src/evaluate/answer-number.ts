/** Which number of an answer is watched while the input changes. */

import { pickClass, pickWeights, type Pick, type PickSource } from "../answers/picks.ts";
import type { OutputScale } from "../outputs/output-facts.ts";
import type { NumberKind } from "./removal.ts";

/** The number of what is explained, and how to read it in the answer to another input. */
export interface AnswerNumber {
  /** What it means. */
  readonly kind: NumberKind;
  /** The number for the input itself. */
  readonly whole: number;
  /** The same number in a sample of another answer. */
  readonly of: (source: PickSource, sample: number) => number;
}

/**
 * The probability of what a pick explains; where it has none (values, several elements) the value, or the logit where it
 * belongs to no output.
 */
export function answerNumber(pick: Pick): AnswerNumber {
  const { numbers, elements, target } = pick;
  const { index } = numbers;
  // A yes-or-no answer has numbers of its own for no, which weights do not tell.
  const isOne = index !== undefined && elements === 1;
  const read = (source: PickSource, sample: number): Pick["numbers"] =>
    isOne && source.facts.placeAxes.length === 0
      ? pickClass(source, sample, index).numbers
      : pickWeights(source, sample, target).numbers;
  const kind = numbers.probability === undefined ? "value" : "probability";
  return { kind, whole: numberOf(numbers), of: (source, sample) => numberOf(read(source, sample)) };
}

/** What the numbers of an output's elements mean. */
export const kindOf = ({ scale }: { readonly scale: OutputScale }): NumberKind =>
  scale.kind === "value" ? "value" : "probability";

const numberOf = ({ probability, value, logit }: Pick["numbers"]): number =>
  probability ?? value ?? logit ?? Number.NaN;
