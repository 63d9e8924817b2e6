/** What of an answer is explained in one sample: single numbers of it, by class, place or element. */

import type { Detection } from "./detections.ts";
import type { FloatArray } from "../run/float-array.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import { isYesOrNo } from "../outputs/yes-or-no.ts";
import { rankAnswers, type Answers, type RankedClass } from "./rank-classes.ts";
import { regionTarget } from "../run/targets.ts";
import { regionsOf, type TargetSelection } from "../relevance/target-text.ts";

/** A part of one sample's answer. */
export interface Pick {
  /** Its weights in the explained tensor, with one sample: relevance explains their sum with it. */
  readonly target: FloatArray;
  /** The numbers of what is picked; of several elements the sum of what is explained, values or logits. */
  readonly numbers: Partial<RankedClass>;
  /** How many elements are picked. */
  readonly elements: number;
  /** The box, if one is picked. */
  readonly box?: Detection;
}

/** What picks are made from: an output and the run's numbers of it. */
export interface PickSource extends Answers {
  /** What the explained output is. */
  readonly facts: OutputFacts;
}

/** Sizes of the output for one sample. */
export const oneSample = ({ facts, explained }: PickSource): number[] =>
  explained.dims.map((size, axis) => (axis === facts.batchAxis ? 1 : size));

/** One sample of a tensor. */
export function sampleOf(
  { data, dims }: FloatArray,
  batchAxis: number | undefined,
  sample: number,
): FloatArray {
  if (batchAxis === undefined || dims[batchAxis] === 1) return { data, dims };
  const own = dims.map((size, axis) => (axis === batchAxis ? 1 : size));
  if (batchAxis === 0) {
    const size = sizeOf(own);
    return { data: data.subarray(sample * size, (sample + 1) * size), dims: own };
  }
  const stride = sizeOf(dims.slice(batchAxis + 1));
  const block = stride * (dims[batchAxis] as number);
  const picked = Float32Array.from({ length: sizeOf(own) }, (_, i) => {
    const [outer, inner] = [Math.floor(i / stride), i % stride];
    return data[outer * block + sample * stride + inner] as number;
  });
  return { data: picked, dims: own };
}

/** The elements that a target names. */
export function pickElements(source: PickSource, sample: number, selection: TargetSelection): Pick {
  const { facts } = source;
  const dims = oneSample(source);
  return pickWeights(source, sample, regionTarget(dims, regionsOf(selection, dims, facts)));
}

/** One class at one place; of a yes-or-no question class 1 is the one number that there is, class 0 its negative. */
export function pickClass(
  source: PickSource,
  sample: number,
  index: number,
  place: readonly number[] = [],
): Pick {
  const { facts } = source;
  const dims = oneSample(source);
  const isBinary = isYesOrNo(facts);
  const region = dims.map((_, axis) => {
    const at = facts.placeAxes.indexOf(axis);
    if (at !== -1) return { from: place[at] ?? 0, to: place[at] ?? 0 };
    return axis === facts.classAxis ? { from: isBinary ? 0 : index, to: isBinary ? 0 : index } : undefined;
  });
  const target = regionTarget(dims, [region]);
  const ranked = rankAnswers(facts, source, { sample, place });
  if (!isBinary) {
    const numbers = ranked.find((each) => each.index === index) as RankedClass;
    return { target, numbers, elements: 1 };
  }
  const numbers = binaryAnswer(ranked[0] as RankedClass, index);
  return { target: index === 1 ? target : negative(target), numbers, elements: 1 };
}

/** The numbers of yes (1) or no (0), from the one number that speaks for yes. */
export function binaryAnswer({ value, logit, probability }: RankedClass, index: number): RankedClass {
  const of = (
    number: number | undefined,
    turn: (n: number) => number,
    name: string,
  ): Record<string, number> => (number === undefined ? {} : { [name]: index === 1 ? number : turn(number) });
  return {
    index,
    ...(value === undefined ? {} : { value }),
    ...of(logit, (z) => -z, "logit"),
    ...of(probability, (p) => 1 - p, "probability"),
  };
}

/** Why one and not the other: the difference of two picks, with the numbers of the first. */
export const pickDifference = (pick: Pick, other: Pick): Pick => ({
  ...pick,
  target: {
    data: pick.target.data.map((weight, i) => weight - (other.target.data[i] as number)),
    dims: pick.target.dims,
  },
});

/** The embedding in the direction of itself: what is explained is its length. */
export function pickLength(source: PickSource, sample: number): Pick {
  const { data, dims } = sampleOf(source.explained, source.facts.batchAxis, sample);
  const length = Math.hypot(...data);
  return {
    target: { data: data.map((number) => number / (length || 1)), dims },
    numbers: { value: length },
    elements: data.length,
  };
}

const negative = ({ data, dims }: FloatArray): FloatArray => ({ data: data.map((n) => -n), dims });

/** A target with the sums of what it weighs; a single number is told as what it is, and the class, if all are of one. */
export function pickWeights(source: PickSource, sample: number, target: FloatArray): Pick {
  const { facts, explained, values } = source;
  const at: number[] = [];
  for (let i = 0; i < target.data.length; i++) if (target.data[i] !== 0) at.push(i);
  const logits = sampleOf(explained, facts.batchAxis, sample).data;
  const own = values && sampleOf(values, facts.batchAxis, sample).data;
  const sum = (numbers: Float32Array): number =>
    at.reduce((total, i) => total + (target.data[i] as number) * (numbers[i] as number), 0);
  const hasLogits = facts.scale.kind !== "value" || (own !== undefined && values !== explained);
  const index = classOf(facts, target, at);
  const single = at.length === 1 && target.data[at[0] as number] === 1 ? at[0] : undefined;
  const numbers = {
    ...(index !== undefined && { index }),
    // A sum of probabilities says nothing; that of logits is what relevance starts with. The model's own number is that of
    // yes, also where it is explained as no.
    ...(own && (at.length === 1 || !hasLogits)
      ? { value: isYesOrNo(facts) && index === 0 ? -sum(own) : sum(own) }
      : {}),
    ...(hasLogits ? { logit: sum(logits) } : {}),
  };
  const isAnswer = single !== undefined && index !== undefined && facts.scale.kind !== "value";
  return {
    target,
    elements: at.length,
    numbers: isAnswer ? { ...numbers, ...probabilityAt(source, sample, target, single) } : numbers,
  };
}

/** The probability that one element stands for, on whatever scale it is. */
function probabilityAt(
  source: PickSource,
  sample: number,
  { dims }: FloatArray,
  element: number,
): Partial<RankedClass> {
  const { facts } = source;
  const along = (axis: number): number =>
    Math.floor(element / sizeOf(dims.slice(axis + 1))) % (dims[axis] as number);
  const place = facts.placeAxes.map(along);
  const own = facts.classAxis === undefined ? 0 : along(facts.classAxis);
  const found = rankAnswers(facts, source, { sample, place }).find(({ index }) => index === own);
  return found?.probability === undefined ? {} : { probability: found.probability };
}

/** The number that all of a list are. */
function only(all: readonly number[]): number | undefined {
  const different = new Set(all);
  return different.size === 1 ? all[0] : undefined;
}

/** The class of some elements of a target, if it is the same for all; a box's coordinates are of none. */
function classOf(
  { kind, classAxis, detections, shape }: OutputFacts,
  { data, dims }: FloatArray,
  at: readonly number[],
): number | undefined {
  if (isYesOrNo({ kind, classAxis, shape })) return only(at.map((i) => ((data[i] as number) > 0 ? 1 : 0)));
  if (classAxis === undefined) return at.length > 0 ? 0 : undefined;
  const stride = sizeOf(dims.slice(classAxis + 1));
  const feature = only(at.map((i) => Math.floor(i / stride) % (dims[classAxis] as number)));
  if (feature === undefined || !detections) return feature;
  const index = feature - detections.firstClass;
  const isScore = detections.classIndex === undefined && index >= 0 && index < detections.classes;
  return isScore ? index : undefined;
}
