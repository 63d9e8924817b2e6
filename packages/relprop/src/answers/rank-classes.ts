/** The numbers of an answer: what the model puts out, and which of them are logits or probabilities. */

import type { FloatArray } from "../run/float-array.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { OutputFacts, OutputScale } from "../outputs/output-facts.ts";

/** One of the numbers of an answer. */
export interface RankedClass {
  /** Along the axis of classes. */
  readonly index: number;
  /** The number that the model puts out; absent where the explained tensor is none of its outputs and the number cannot be told. */
  readonly value?: number;
  /** The number before softmax or sigmoid, where the answer has them. */
  readonly logit?: number;
  /** From 0 to 1, where the answer means one: a softmax over all classes, or a sigmoid. */
  readonly probability?: number;
}

/**
 * The highest logits of a list of classes that exclude each other, best first, with their softmax over all of them.
 * @param logits one for each class
 */
export function rankClasses(logits: Float32Array, count: number): Required<RankedClass>[] {
  const probabilities = softmax(logits);
  return Array.from(logits, (logit, index) => ({
    index,
    value: logit,
    logit,
    probability: probabilities[index] as number,
  }))
    .sort((a, c) => c.logit - a.logit)
    .slice(0, count);
}

/** Where in an output the numbers of one answer stand: at one sample and one place. */
export interface AnswerPlace {
  /** Which sample of the batch, from 0. */
  readonly sample: number;
  /** An index for each of the output's axes of places, in their order. */
  readonly place?: readonly number[];
}

/** The answer's numbers, by class. */
export interface Answers {
  /** The model's own output, if the explained tensor belongs to one. */
  readonly values: FloatArray | undefined;
  /** The explained tensor: logits, where the output ends in a response function. */
  readonly explained: FloatArray;
}

/** All numbers at one place, best first: of classes their logits and probabilities, of anything else its values. */
export function rankAnswers(
  facts: Pick<OutputFacts, "batchAxis" | "classAxis" | "placeAxes" | "scale" | "isOrdered">,
  { values, explained }: Answers,
  at: AnswerPlace,
): RankedClass[] {
  const logits = rowAt(facts, explained, at);
  const own = values === explained ? logits : values && rowAt(facts, values, at);
  const numbers = numbersOf(facts.scale, logits, own);
  const ranks = facts.isOrdered ? logits : (own ?? logits);
  return (
    Array.from(logits, (_, index) => index)
      // Probabilities that were rounded to 1 are told apart by their logits.
      .sort(
        (a, c) =>
          (ranks[c] as number) - (ranks[a] as number) || (logits[c] as number) - (logits[a] as number),
      )
      .map(numbers)
  );
}

/** The numbers along the axis of classes, at one place; the one number there is, if there are no classes. */
export function rowAt(
  { batchAxis, classAxis, placeAxes }: Pick<OutputFacts, "batchAxis" | "classAxis" | "placeAxes">,
  { data, dims }: FloatArray,
  { sample, place = [] }: AnswerPlace,
): Float32Array {
  const stride = (axis: number): number => sizeOf(dims.slice(axis + 1));
  const start = placeAxes.reduce(
    (offset, axis, i) => offset + (place[i] ?? 0) * stride(axis),
    batchAxis === undefined ? 0 : sample * stride(batchAxis),
  );
  if (classAxis === undefined) return data.slice(start, start + 1);
  const step = stride(classAxis);
  return Float32Array.from({ length: dims[classAxis] as number }, (_, i) => data[start + i * step] as number);
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function softmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, n) => Math.max(a, n), -Infinity);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** What each number is, by the scale that the output is on. */
function numbersOf(
  scale: OutputScale,
  logits: Float32Array,
  own: Float32Array | undefined,
): (index: number) => RankedClass {
  const valueAt = (index: number): Pick<RankedClass, "value"> => (own ? { value: own[index] as number } : {});
  switch (scale.kind) {
    case "value":
      return (index) => ({ index, ...valueAt(index) });
    case "logit":
    case "probability":
    case "log-probability": {
      const computed = scale.by === "softmax" ? softmax(logits) : logits.map(sigmoid);
      const probability = (index: number): number => {
        if (!own || scale.kind === "logit") return computed[index] as number;
        return scale.kind === "probability" ? (own[index] as number) : Math.exp(own[index] as number);
      };
      return (index) => ({
        index,
        ...valueAt(index),
        logit: logits[index] as number,
        probability: probability(index),
      });
    }
  }
}
