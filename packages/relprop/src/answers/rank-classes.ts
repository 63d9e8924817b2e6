/** The numbers of an answer, as values, logits and probabilities. */

import { sigmoid, softmax } from "./probabilities.ts";
import type { FloatArray } from "../run/float-array.ts";
import { sizeAlong, strideAlong } from "../onnx/axis.ts";
import type { OutputFacts, OutputScale } from "../outputs/output-facts.ts";
import { elementAt, sure } from "../sure.ts";

/** One of the numbers of an answer. */
export interface RankedClass {
  /** Along the axis of classes. */
  readonly index: number;
  /** The number that the model outputs; absent if the explained tensor belongs to no output. */
  readonly value?: number;
  /** The number before softmax or sigmoid, if the output has logits. */
  readonly logit?: number;
  /** From 0 to 1, by a softmax over all classes or a sigmoid, if the output means probabilities. */
  readonly probability?: number;
}

/**
 * The highest logits of exclusive classes, best first, with their softmax over all classes.
 * @param logits one for each class
 */
export function rankClasses(logits: Float32Array, count: number): Required<RankedClass>[] {
  return Array.from(softmax(logits), (probability, index) => {
    const logit = elementAt(logits, index);
    return { index, value: logit, logit, probability };
  })
    .sort((a, c) => c.logit - a.logit)
    .slice(0, count);
}

/** The position of one answer in an output: a sample and a place. */
export interface AnswerPlace {
  /** Which sample of the batch, from 0. */
  readonly sample: number;
  /** An index for each of the output's place axes. */
  readonly place?: readonly number[];
}

/** The answer's numbers, by class. */
export interface Answers {
  /** The model's own output, if the explained tensor belongs to one. */
  readonly values: FloatArray | undefined;
  /** The explained tensor: logits, where the output ends in a response function. */
  readonly explained: FloatArray;
}

/** All numbers at one place, best first. Classes have logits and probabilities, other kinds only values. */
export function rankAnswers(
  facts: Pick<OutputFacts, "batchAxis" | "classAxis" | "placeAxes" | "scale" | "isOrdered">,
  { values, explained }: Answers,
  at: AnswerPlace,
): RankedClass[] {
  const logits = rowAt(facts, explained, at);
  const own = values === explained ? logits : values && rowAt(facts, values, at);
  const numbers = numbersOf(facts.scale, logits, own);
  const ranks = facts.isOrdered ? logits : (own ?? logits);
  // Without iterators: tables have a hundred thousand rows.
  const order: number[] = [];
  for (let index = 0; index < logits.length; index++) order.push(index);
  // Logits break ties between probabilities that round to 1.
  order.sort(
    (a, c) => elementAt(ranks, c) - elementAt(ranks, a) || elementAt(logits, c) - elementAt(logits, a),
  );
  return order.map(numbers);
}

/** The numbers along the class axis at one place; the single number if there is no class axis. */
export function rowAt(
  { batchAxis, classAxis, placeAxes }: Pick<OutputFacts, "batchAxis" | "classAxis" | "placeAxes">,
  { data, dims }: FloatArray,
  { sample, place = [] }: AnswerPlace,
): Float32Array {
  const start = placeAxes.reduce(
    (offset, axis, i) => offset + (place[i] ?? 0) * strideAlong(dims, axis),
    batchAxis === undefined ? 0 : sample * strideAlong(dims, batchAxis),
  );
  if (classAxis === undefined) return data.slice(start, start + 1);
  const step = strideAlong(dims, classAxis);
  const row = new Float32Array(sizeAlong(dims, classAxis));
  for (let i = 0; i < row.length; i++) row[i] = elementAt(data, start + i * step);
  return row;
}

/** The numbers of a class, by the scale of the output. */
function numbersOf(
  scale: OutputScale,
  logits: Float32Array,
  own: Float32Array | undefined,
): (index: number) => RankedClass {
  switch (scale.kind) {
    case "value":
      return (index) => (own ? { index, value: elementAt(own, index) } : { index });
    case "logit":
    case "probability":
    case "log-probability": {
      const computed = scale.by === "softmax" ? softmax(logits) : logits.map(sigmoid);
      const probability = (index: number): number => {
        if (!own || scale.kind === "logit") return sure(computed[index]);
        return scale.kind === "probability" ? elementAt(own, index) : Math.exp(elementAt(own, index));
      };
      return (index) => {
        const numbers = { logit: elementAt(logits, index), probability: probability(index) };
        return own ? { index, value: elementAt(own, index), ...numbers } : { index, ...numbers };
      };
    }
  }
}
