/** The kinds of answers of text models, and the explained part of an answer. */

import {
  InputError,
  OptionError,
  rankAnswers,
  type Compiled,
  type Explanation,
  type FloatArray,
  type OutputFacts,
  type OutputKind,
  type RankedClass,
} from "@relprop/core";
import { binaryAnswer, zeroTarget } from "@relprop/core/internal";
import { excerpt } from "./plain-text.ts";
import type { TextTokenizer, Tokenized } from "./tokenize.ts";

/**
 * - `classes`: [N, classes], values [N, k], or a single number [N];
 * - `places`: [N, T], a number for each token, such as the start of an answer (question answering);
 * - `labels`: [N, T, labels], classes of each token (named entities);
 * - `words`: [N, T, words], the word after each token, or at a masked one (language models);
 * - `embedding`: [N, features], whose length is explained.
 */
export type AnswerKind = "classes" | "places" | "labels" | "words" | "embedding";

/** The form of the explained output. */
export interface Answer {
  readonly kind: AnswerKind;
  /** The number of classes, labels or words; undefined for places, since it depends on the text. */
  readonly count: number | undefined;
  readonly facts: OutputFacts;
}

const lists: ReadonlySet<OutputKind> = new Set(["classes", "binary", "multi-label", "values", "scores"]);

/** @throws OptionError if the output is none of these kinds */
export function answerOf({ facts }: Pick<Compiled, "facts">): Answer {
  const { kind, classAxis, shape, placeAxes, isVocabulary } = facts;
  const size = classAxis === undefined ? 1 : shape[classAxis];
  const count = typeof size === "number" ? size : undefined;
  if (lists.has(kind)) return { kind: "classes", count, facts };
  if (kind === "embedding") return { kind: "embedding", count, facts };
  if (kind === "sequence" && classAxis === undefined && placeAxes.length === 1)
    return { kind: "places", count: undefined, facts };
  if (kind === "sequence" && count !== undefined)
    return { kind: isVocabulary ? "words" : "labels", count, facts };
  throw new OptionError({
    what: "cannot tell what to explain",
    where: `output [${shape.join(", ")}]`,
    why: `it is read as ${kind} (${facts.why}), but text models must give classes [N, classes] or, for each token, a number [N, T], labels or words [N, T, words]`,
    fix: "choose another output (--output NAME), or say what it is (--output-kind)",
  });
}

/** Place and form of the explained part, for one text. */
export interface Place {
  readonly answer: Answer;
  /** The tokens whose labels or words are explained (as a sum); empty if the answer is about the whole text. */
  readonly positions: readonly number[];
  /** T, including padding. */
  readonly length: number;
  /** Tokens of the text itself. */
  readonly tokens: number;
}

/**
 * Chooses the tokens whose answers are explained: the requested ones, counted from the end if negative; for a language
 * model, by default the masked token, or the last one, which predicts the next word.
 * @throws OptionError if they must be given, InputError if this text has none
 */
export function choosePositions(
  { kind }: Answer,
  { tokens }: Tokenized,
  asked: readonly number[],
  mask: TextTokenizer["mask"],
  input: string,
): number[] {
  if (kind === "classes" || kind === "embedding") {
    if (asked.length === 0) return [];
    throw new OptionError({
      what: "cannot use --position",
      why: "the model answers once for the whole text, not for each token",
    });
  }
  if (asked.length > 0) {
    return asked.map((each) => {
      const position = each < 0 ? tokens.length + each : each;
      if (position >= 0 && position < tokens.length) return position;
      throw new InputError({
        what: `there is no token ${each} in the text ${excerpt(input)}`,
        why: `it has the tokens 0 to ${tokens.length - 1}`,
      });
    });
  }
  if (kind === "places") return [];
  if (kind === "labels") {
    throw new OptionError({
      what: "cannot tell what to explain",
      why: "the model answers for each token",
      fix: `choose one with --position: ${tokens.map(({ text }, i) => `${i} ${text}`).join(", ")}`,
    });
  }
  if (mask === undefined) return [tokens.length - 1];
  const masked = tokens.flatMap(({ id }, i) => (id === mask.id ? [i] : []));
  if (masked.length === 1) return masked;
  throw new InputError({
    what: `cannot tell which word of the text ${excerpt(input)} to explain`,
    why: `it has ${masked.length === 0 ? "no" : masked.length} ${mask.text}`,
    fix: `put one ${mask.text} in place of the word to guess, or give --position`,
  });
}

/** Zeros in the shape of the explained output, for one text: the target of a run that only gives the answer. */
export const noTarget = ({ answer: { facts }, length }: Place): FloatArray =>
  zeroTarget(facts.shape, facts.batchAxis, 1, length);

/**
 * The target of a class: 1 at each position, and −1 at the class that it is compared to.
 * @param index a class, label or word; for places, the token. For a yes-or-no output, 1 is yes and 0 is no.
 */
export function targetAt(place: Place, index: number, against?: number): FloatArray {
  const { data, dims } = noTarget(place);
  const { kind, count = 0, facts } = place.answer;
  const starts =
    kind === "labels" || kind === "words" ? place.positions.map((position) => position * count) : [0];
  for (const start of starts) {
    if (facts.kind === "binary") data[start] = index === 1 ? 1 : -1;
    else data[start + index] = 1;
    if (against !== undefined) data[start + against] = -1;
  }
  return { data, dims };
}

/** The target of an embedding: its own direction, which explains its length. */
export function lengthTarget(place: Place, { explained: { data } }: Explanation): FloatArray {
  const length = Math.hypot(...data) || 1;
  return { data: data.map((number) => number / length), dims: noTarget(place).dims };
}

/** All classes of the place, best first; for several positions, ordered by the sum of their numbers. */
export function answersAt(
  explanation: Explanation,
  { outputName }: Pick<Compiled, "outputName">,
  place: Place,
): RankedClass[] {
  const { explained, outputs } = explanation;
  const { kind, facts } = place.answer;
  const answers = { values: outputs[outputName], explained };
  if (kind === "embedding") return [{ index: 0, value: Math.hypot(...explained.data) }];
  if (kind === "places") {
    // Each token is an answer, except the padding.
    const along = { ...facts, classAxis: facts.placeAxes[0], placeAxes: [] };
    const own = (array: FloatArray): FloatArray => ({
      data: array.data.slice(0, place.tokens),
      dims: [1, place.tokens],
    });
    return rankAnswers(
      { ...along, batchAxis: 0, classAxis: 1 },
      {
        explained: own(explained),
        values: answers.values && own(answers.values),
      },
      { sample: 0 },
    );
  }
  if (facts.kind === "binary") {
    const [yes] = rankAnswers(facts, answers, { sample: 0 });
    return [1, 0].map((index) => binaryAnswer(yes as RankedClass, index));
  }
  const [first = 0, ...more] = place.positions;
  const ranked = rankAnswers(facts, answers, { sample: 0, place: [first] });
  if (more.length === 0) return ranked;
  const others = more.map((position) => rankAnswers(facts, answers, { sample: 0, place: [position] }));
  const sums = ranked.map(({ index, value = 0 }): RankedClass => {
    const rest = others.map((each) => each.find((other) => other.index === index)?.value ?? 0);
    return { index, value: rest.reduce((sum, number) => sum + number, value) };
  });
  return sums.toSorted((a, c) => (c.value ?? 0) - (a.value ?? 0));
}
