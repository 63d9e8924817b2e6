/** What a text model answers with, and which part of the answer is explained. */

import {
  InputError,
  OptionError,
  rankClasses,
  type Compiled,
  type Explanation,
  type FloatArray,
  type RankedClass,
} from "relprop";
import type { Value } from "relprop/onnx";
import { excerpt } from "./plain-text.ts";
import type { TextTokenizer, Tokenized } from "./tokenize.ts";

/**
 * - `classes`: [N, classes], or a single number [N];
 * - `places`: [N, T], a number for each token, as where an answer starts (question answering);
 * - `labels`: [N, T, labels], classes of each token (named entities);
 * - `words`: [N, T, words], what follows each token, or stands at a masked one (language models).
 */
export type AnswerKind = "classes" | "places" | "labels" | "words";

/** The form of the explained output. */
export interface Answer {
  readonly kind: AnswerKind;
  /** Classes, labels or words; undefined for places, of which each text has its own number. */
  readonly count: number | undefined;
  /** Axes of the output. */
  readonly rank: number;
}

/**
 * @param rows of the table of token vectors: as many classes for each token are words
 * @param labels names of the classes, empty if they are not known
 * @throws OptionError if the output has no form of these
 */
export function answerOf(
  { output, input }: Pick<Compiled, "output" | "input">,
  rows: number,
  labels: readonly string[],
): Answer {
  const rank = output.shape.length;
  const last = output.shape.at(-1);
  const count = typeof last === "number" ? last : undefined;
  if (rank === 1) return { kind: "classes", count: 1, rank };
  if (rank === 2) {
    const isAsLong = count === undefined || (count === input.shape[1] && count !== labels.length);
    return isAsLong ? { kind: "places", count: undefined, rank } : { kind: "classes", count, rank };
  }
  if (rank === 3 && count !== undefined) return { kind: count === rows ? "words" : "labels", count, rank };
  throw new OptionError({
    what: "cannot tell what to explain",
    where: outputText(output),
    why: "it is neither classes [N, classes] nor, for each token, a number [N, T], labels or words [N, T, words]",
    fix: "choose another output (--output NAME)",
  });
}

const outputText = ({ name, shape }: Value): string => `output "${name}", [${shape.join(", ")}]`;

/** Place and form of what is explained in one text. */
export interface Place {
  readonly answer: Answer;
  /** The token whose labels or words are explained; undefined for answers about the text as a whole. */
  readonly position: number | undefined;
  /** T, with what fills the text up. */
  readonly length: number;
  /** Tokens of the text itself. */
  readonly tokens: number;
}

/**
 * Chooses the token whose answer is explained: the one asked for, from the end if it is negative; of a language model
 * the masked one, else the last, which the next word is told from.
 * @throws OptionError if it has to be given, InputError if this text has none
 */
export function choosePosition(
  { kind }: Answer,
  { tokens }: Tokenized,
  wished: number | undefined,
  mask: TextTokenizer["mask"],
  input: string,
): number | undefined {
  if (kind === "classes") {
    if (wished === undefined) return undefined;
    throw new OptionError({
      what: "cannot use --position",
      why: "the model answers once for the whole text, not for each token",
    });
  }
  if (wished !== undefined) {
    const position = wished < 0 ? tokens.length + wished : wished;
    if (position >= 0 && position < tokens.length) return position;
    throw new InputError({
      what: `there is no token ${wished} in the text ${excerpt(input)}`,
      why: `it has the tokens 0 to ${tokens.length - 1}`,
    });
  }
  if (kind === "places") return undefined;
  if (kind === "labels") {
    throw new OptionError({
      what: "cannot tell what to explain",
      why: "the model answers for each token",
      fix: `say for which with --position: ${tokens.map(({ text }, i) => `${i} ${text}`).join(", ")}`,
    });
  }
  if (mask === undefined) return tokens.length - 1;
  const masked = tokens.flatMap(({ id }, i) => (id === mask.id ? [i] : []));
  if (masked.length === 1) return masked[0];
  throw new InputError({
    what: `cannot tell which word of the text ${excerpt(input)} to explain`,
    why: `it has ${masked.length === 0 ? "no" : masked.length} ${mask.text}`,
    fix: `put one ${mask.text} where a word is to be guessed, or give --position`,
  });
}

/** Sizes of the explained output for one text. */
function dimsOf({ answer, length }: Place): number[] {
  const { kind, count = 1, rank } = answer;
  if (rank === 1) return [1];
  if (kind === "places") return [1, length];
  return kind === "classes" ? [1, count] : [1, length, count];
}

/** Where the classes of the place begin in the output. */
const startOf = ({ answer: { count = 0 }, position = 0 }: Place): number => position * count;

/**
 * The target of a class: 1 there, −1 at the one it is told apart from.
 * @param index a class, label or word; for places the token
 */
export function targetAt(place: Place, index?: number, against?: number): FloatArray {
  const dims = dimsOf(place);
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  const start = place.answer.kind === "places" ? 0 : startOf(place);
  if (index !== undefined) data[start + index] = 1;
  if (against !== undefined) data[start + against] = -1;
  return { data, dims };
}

/**
 * All classes of the place, best first.
 * @param isMultiLabel each class is a question of its own, its probability 1/(1 + e^(−logit))
 * @throws OptionError if the explained tensor is no output, so that its numbers are not known
 */
export function rankAnswers(
  { outputs, top }: Explanation,
  { output, outputName }: Pick<Compiled, "output" | "outputName">,
  place: Place,
  isMultiLabel: boolean,
): RankedClass[] {
  const values = outputs[outputName]?.data;
  if (!values) {
    throw new OptionError({
      what: `cannot explain "${outputName}"`,
      why: "it is a tensor inside the model or no floating-point numbers, so its classes cannot be ranked",
      fix: "choose an output of the model (--output NAME)",
    });
  }
  const { kind, count = 1 } = place.answer;
  const start = kind === "places" ? 0 : startOf(place);
  const row = values.slice(start, start + (kind === "places" ? place.tokens : count));
  const logits = output.name === outputName ? row : logitsOf(row, top[0]?.[0]);
  const ranked = rankClasses(logits, logits.length);
  if (!isMultiLabel) return ranked;
  return ranked.map(({ index, logit }) => ({ index, logit, probability: 1 / (1 + Math.exp(-logit)) }));
}

/** Logits from what a final Softmax or LogSoftmax made of them; up to a constant where the best is not known. */
function logitsOf(row: Float32Array, best: RankedClass | undefined): Float32Array {
  const logs = row.some((value) => value > 0) ? row.map(Math.log) : row;
  const shift = best ? best.logit - (logs[best.index] ?? 0) : 0;
  return logs.map((log) => log + shift);
}
