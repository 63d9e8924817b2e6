/** Numbers of an answer with their names, as printed and as stored in JSON. Absent numbers stay absent. */

import type { RankedClass } from "@relprop/core";
import { answerName, type AnswerNames as Names } from "@relprop/core/internal";
import { z } from "zod";

/** A class, or another number of an answer. */
export const scoreSchema = z.object({
  /** Index along the axis of classes. */
  index: z.number(),
  label: z.string(),
  /** The model's output. */
  value: z.number().exactOptional(),
  unit: z.string().exactOptional(),
  /** Before softmax or sigmoid, or the output itself if it holds logits. */
  logit: z.number().exactOptional(),
  /** A softmax over all classes or a sigmoid, if the output stands for probabilities. */
  probability: z.number().exactOptional(),
});
export type Score = z.infer<typeof scoreSchema>;

/** The score of the explained part; it has no index unless it belongs to one class. */
export type AnswerScore = Omit<Score, "index"> & Partial<Pick<Score, "index">>;

/** Names of an output's numbers, and their unit. */
export interface AnswerNames extends Names {
  readonly unit: string | undefined;
}

/** The name of one number of an answer. */
export const nameOf: (names: AnswerNames, index: number) => string = answerName;

/** Adds the name to the numbers. */
export function scoreOf(names: AnswerNames, numbers: RankedClass, label?: string): Score;
export function scoreOf(names: AnswerNames, numbers: Partial<RankedClass>, label?: string): AnswerScore;
export function scoreOf(names: AnswerNames, numbers: Partial<RankedClass>, label?: string): AnswerScore {
  const { index, value, logit, probability } = numbers;
  // Without spreads: tables have a hundred thousand rows.
  const name = label ?? (index === undefined ? "several" : nameOf(names, index));
  const score: { -readonly [key in keyof AnswerScore]: AnswerScore[key] } =
    index === undefined ? { label: name } : { index, label: name };
  if (value !== undefined) score.value = value;
  if (value !== undefined && names.unit !== undefined) score.unit = names.unit;
  if (logit !== undefined) score.logit = logit;
  if (probability !== undefined) score.probability = probability;
  return score;
}

/** A probability with enough digits to tell small values from zero. */
export const probabilityText = (p: number): string => (p < 0.0005 ? p.toExponential(1) : p.toFixed(3));

const plain = (value: number): string => String(Number(value.toPrecision(4))).replace("-", "−");

/** The probability, else the value, else the logit. */
export const amountOf = ({ probability, value, logit }: Omit<AnswerScore, "label">): number | undefined =>
  probability ?? value ?? logit;

/** The probability, else the value with its unit, else the logit. */
export function amountText({ probability, value, unit, logit }: Omit<Score, "index" | "label">): string {
  if (probability !== undefined) return probabilityText(probability);
  if (value !== undefined) return unit === undefined ? plain(value) : `${plain(value)} ${unit}`;
  return logit === undefined ? "" : `logit ${plain(logit)}`;
}

/** `Egyptian cat 0.767`, `age 31.2 years`. */
export const scoreText = (score: Omit<AnswerScore, "index">): string =>
  `${score.label} ${amountText(score)}`.trimEnd();

/** The score with its name, and the number of explained elements if there are several. */
export const answerText = ({ elements, ...score }: AnswerScore & { readonly elements: number }): string =>
  elements > 2 ? `${scoreText(score)} over ${elements} elements` : scoreText(score);
