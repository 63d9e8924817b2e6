/** Names for the numbers of an answer. */

import type { OutputFacts } from "../outputs/output-facts.ts";
import { namedClasses } from "../outputs/found-layout.ts";
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

/** How many numbers of an answer have names; undefined if only a run knows. */
export function namedCount({ detections, classAxis, shape }: OutputFacts): number | undefined {
  if (detections) return namedClasses(detections);
  const size = classAxis === undefined ? 1 : shape[classAxis];
  return typeof size === "number" ? size : undefined;
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

/**
 * The labels as names of an output's numbers: none if these are ranks, undefined if there are more or fewer of them. A
 * yes-or-no output takes one label for yes, or two for no and yes.
 */
export function fittingLabels(
  facts: Pick<OutputFacts, "kind" | "isRanked" | "classAxis" | "shape">,
  labels: readonly string[],
  count: number | undefined,
): readonly string[] | undefined {
  if (isYesOrNo(facts)) return labels.length <= 2 ? labels : undefined;
  if (facts.isRanked || (facts.kind === "scores" && count === undefined)) return [];
  const isAnyCount = labels.length === 0 || facts.kind === "embedding" || count === undefined;
  return isAnyCount || labels.length === count ? labels : undefined;
}
