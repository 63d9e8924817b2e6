/** Picks parts of a sample's answer to explain: by class, place or element. */

import type { Detection } from "./detections.ts";
import type { FloatArray } from "../run/float-array.ts";
import { indexAlong, sizeAlong, strideAlong } from "../onnx/axis.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import { isYesOrNo } from "../outputs/yes-or-no.ts";
import { rankAnswers, type Answers, type RankedClass } from "./rank-classes.ts";
import { regionTarget } from "../run/targets.ts";
import { elementAt, sure } from "../sure.ts";
import { regionsOf, type TargetSelection } from "../relevance/target-text.ts";

/** A part of one sample's answer. */
export interface Pick {
  /** Weights t for one sample of the explained tensor z: relevance explains Σ t ⊙ z. */
  readonly target: FloatArray;
  /** The numbers of the picked element, or sums over several. */
  readonly numbers: Partial<RankedClass>;
  /** How many elements are picked. */
  readonly elements: number;
  /** The box, if one is picked. */
  readonly box?: Detection;
}

/** The source for picks: the facts and numbers of an output. */
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
  const stride = strideAlong(dims, batchAxis);
  const block = stride * sizeAlong(dims, batchAxis);
  const picked = new Float32Array(sizeOf(own));
  for (let outer = 0; outer * stride < picked.length; outer++) {
    const start = outer * block + sample * stride;
    picked.set(data.subarray(start, start + stride), outer * stride);
  }
  return { data: picked, dims: own };
}

/** Picks the elements that a target names. */
export function pickElements(source: PickSource, sample: number, selection: TargetSelection): Pick {
  const { facts } = source;
  const dims = oneSample(source);
  return pickWeights(source, sample, regionTarget(dims, regionsOf(selection, dims, facts)));
}

/** Picks one class at one place. For a yes-or-no question class 1 is its only number, and class 0 the negative of that. */
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
    const numbers = sure(ranked.find((each) => each.index === index));
    return { target, numbers, elements: 1 };
  }
  const numbers = binaryAnswer(sure(ranked[0]), index);
  return { target: index === 1 ? target : negative(target), numbers, elements: 1 };
}

/** The numbers for yes (1) or no (0), from those for yes. */
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

/** The difference of two picks, with the numbers of the first: why one and not the other. */
export const pickDifference = (pick: Pick, other: Pick): Pick => ({
  ...pick,
  target: {
    data: pick.target.data.map((weight, i) => weight - elementAt(other.target.data, i)),
    dims: pick.target.dims,
  },
});

/** Picks the length of an embedding: its target is the embedding's own direction. */
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

/** Picks by weights. The numbers are weighted sums; a single element also has its probability, and elements of one class its index. */
export function pickWeights(source: PickSource, sample: number, target: FloatArray): Pick {
  const { facts, explained, values } = source;
  const at: number[] = [];
  for (let i = 0; i < target.data.length; i++) if (target.data[i] !== 0) at.push(i);
  const logits = sampleOf(explained, facts.batchAxis, sample).data;
  const own = values && sampleOf(values, facts.batchAxis, sample).data;
  const sum = (numbers: Float32Array): number =>
    at.reduce((total, i) => total + elementAt(target.data, i) * elementAt(numbers, i), 0);
  const hasLogits = facts.scale.kind !== "value" || (own !== undefined && values !== explained);
  const index = classOf(facts, target, at);
  const [first] = at;
  const single = at.length === 1 && first !== undefined && target.data[first] === 1 ? first : undefined;
  const numbers = {
    ...(index !== undefined && { index }),
    // Sums of logits are what relevance starts with; sums of probabilities mean nothing. The model's own number is that of
    // yes, even if no is explained.
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

/** The probability of one element, on any scale. */
function probabilityAt(
  source: PickSource,
  sample: number,
  { dims }: FloatArray,
  element: number,
): Partial<RankedClass> {
  const { facts } = source;
  const along = (axis: number | undefined): number => indexAlong(dims, axis)(element);
  const place = facts.placeAxes.map(along);
  const own = along(facts.classAxis);
  const found = rankAnswers(facts, source, { sample, place }).find(({ index }) => index === own);
  return found?.probability === undefined ? {} : { probability: found.probability };
}

/** The number that all numbers of a list equal, if they do. */
function only(all: readonly number[]): number | undefined {
  const different = new Set(all);
  return different.size === 1 ? all[0] : undefined;
}

/** The class of elements of a target, if all share one. Box coordinates have none. */
function classOf(
  { kind, classAxis, detections, shape }: OutputFacts,
  { data, dims }: FloatArray,
  at: readonly number[],
): number | undefined {
  if (isYesOrNo({ kind, classAxis, shape })) return only(at.map((i) => (elementAt(data, i) > 0 ? 1 : 0)));
  if (classAxis === undefined) return at.length > 0 && detections?.labels === undefined ? 0 : undefined;
  const feature = only(at.map(indexAlong(dims, classAxis)));
  if (feature === undefined || !detections) return feature;
  const index = feature - detections.firstClass;
  const isScore = detections.classIndex === undefined && index >= 0 && index < detections.classes;
  return isScore ? index : undefined;
}
