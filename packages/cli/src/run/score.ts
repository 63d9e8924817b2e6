/** Numbers of an answer with their names: what is printed, and what stands in JSON. Nothing is said that the model does not. */

import type { RankedClass } from "@relprop/core";
import { answerName, type AnswerNames as Names } from "@relprop/core/internal";
import { z } from "zod";

/** A class, or another number of an answer. */
export const scoreSchema = z.object({
  /** Along the axis of classes. */
  index: z.number(),
  label: z.string(),
  /** What the model puts out. */
  value: z.number().exactOptional(),
  unit: z.string().exactOptional(),
  /** Before softmax or sigmoid, where there is one, or where the output is logits. */
  logit: z.number().exactOptional(),
  /** A softmax over all classes or a sigmoid, where the model means one. */
  probability: z.number().exactOptional(),
});
export type Score = z.infer<typeof scoreSchema>;

/** What was explained of an answer: without an index where it is not of one class. */
export type AnswerScore = Omit<Score, "index"> & Partial<Pick<Score, "index">>;

/** What numbers of an output are called, and their unit. */
export interface AnswerNames extends Names {
  readonly unit: string | undefined;
}

/** The name of one number of an answer. */
export const nameOf: (names: AnswerNames, index: number) => string = answerName;

/** The numbers with their name. */
export function scoreOf(names: AnswerNames, numbers: RankedClass, label?: string): Score;
export function scoreOf(names: AnswerNames, numbers: Partial<RankedClass>, label?: string): AnswerScore;
export function scoreOf(names: AnswerNames, numbers: Partial<RankedClass>, label?: string): AnswerScore {
  const { index, value, logit, probability } = numbers;
  return {
    ...(index !== undefined && { index }),
    label: label ?? (index === undefined ? "several" : nameOf(names, index)),
    ...(value !== undefined && { value }),
    ...(value !== undefined && names.unit !== undefined && { unit: names.unit }),
    ...(logit !== undefined && { logit }),
    ...(probability !== undefined && { probability }),
  };
}

/** Small probabilities need more digits to be told from zero. */
export const probabilityText = (p: number): string => (p < 0.0005 ? p.toExponential(1) : p.toFixed(3));

const plain = (value: number): string => String(Number(value.toPrecision(4))).replace("-", "−");

/** How much: a probability, else the value with its unit, else the logit. */
export function amountText({ probability, value, unit, logit }: Omit<Score, "index" | "label">): string {
  if (probability !== undefined) return probabilityText(probability);
  if (value !== undefined) return unit === undefined ? plain(value) : `${plain(value)} ${unit}`;
  return logit === undefined ? "" : `logit ${plain(logit)}`;
}

/** `Egyptian cat 0.767`, `age 31.2 years`. */
export const scoreText = (score: Omit<AnswerScore, "index">): string =>
  `${score.label} ${amountText(score)}`.trimEnd();

/** The same, with how many elements of the output it is the sum of. */
export const answerText = ({ elements, ...score }: AnswerScore & { readonly elements: number }): string =>
  elements > 2 ? `${scoreText(score)} over ${elements} elements` : scoreText(score);
