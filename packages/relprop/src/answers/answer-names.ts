/** Names for the numbers of an answer. */

import type { OutputFacts } from "../outputs/output-facts.ts";
import { isYesOrNo } from "../outputs/yes-or-no.ts";

/** The facts that names depend on. */
export interface AnswerNames {
  /** What the output is. */
  readonly facts: Pick<OutputFacts, "kind" | "classAxis" | "shape">;
  /** By index; empty if unknown. */
  readonly labels: readonly string[];
  /** How many numbers an answer has, if known. */
  readonly count: number | undefined;
}

/** The name of one number of an answer. For a yes-or-no question 1 is yes and 0 is no. */
export function answerName({ facts, labels, count }: AnswerNames, index: number): string {
  const { kind } = facts;
  if (isYesOrNo(facts) && labels.length === 1) {
    const name = readableLabel(labels[0] ?? "");
    return index === 1 ? name : `not ${name}`;
  }
  const label = readableLabel(labels[index] ?? "");
  if (label !== "") return label;
  if (kind === "values" || kind === "value-map") return count === 1 ? "value" : `value ${index}`;
  if (kind === "scores") return `output ${index}`;
  return kind === "embedding" ? `feature ${index}` : `class ${index}`;
}

/** A readable label: its first synonym, with spaces for `_`. */
export const readableLabel = (label: string): string =>
  (label.split(",")[0] ?? "").replaceAll("_", " ").trim();

/** The labels that fit an output: none if its numbers are ranks, or scores of another count. */
export function fittingLabels(
  { kind, isRanked }: Pick<OutputFacts, "kind" | "isRanked">,
  labels: readonly string[],
  count: number | undefined,
): readonly string[] {
  return isRanked || (kind === "scores" && labels.length !== count) ? [] : labels;
}
