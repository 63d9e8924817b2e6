/** What of an answer is explained in one sample: a class, an element, the places where a class wins, a box. */

import {
  findDetections,
  bestScore,
  type Detection,
  type DetectionOptions,
  type DetectionOutputs,
} from "./detections.ts";
import { InputError } from "./errors.ts";
import type { FloatArray } from "./float-array.ts";
import { sizeOf } from "./onnx/tensor.ts";
import type { OutputFacts } from "./outputs/output-facts.ts";
import { rankAnswers, type Answers, type RankedClass } from "./rank-classes.ts";
import { regionTarget } from "./targets.ts";
import { regionsOf, type TargetSelection } from "./relevance/target-text.ts";

/** A part of one sample's answer. */
export interface Pick {
  /** Its weights in the explained tensor, with one sample: relevance explains their sum with it. */
  readonly target: FloatArray;
  /** The numbers of what is picked; of several elements `value` and `logit` are sums. */
  readonly numbers: Partial<RankedClass>;
  /** How many elements are picked. */
  readonly elements: number;
  /** The box, if one is picked. */
  readonly box?: Detection;
}

/** What picks are made from: an output and the run's numbers of it. */
export interface PickSource extends Answers {
  readonly facts: OutputFacts;
}

/** Sizes of the output for one sample. */
const oneSample = ({ facts, explained }: PickSource): number[] =>
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
  return weighed(source, sample, regionTarget(dims, regionsOf(selection, dims, facts)));
}

/** One class at one place; of a yes-or-no question with one number class 1 is that number, class 0 its negative. */
export function pickClass(
  source: PickSource,
  sample: number,
  index: number,
  place: readonly number[] = [],
): Pick {
  const { facts } = source;
  const dims = oneSample(source);
  const isBinary = facts.kind === "binary";
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

const negative = ({ data, dims }: FloatArray): FloatArray => ({ data: data.map((n) => -n), dims });

/**
 * The places of a map where a class wins: where its number is the highest, or above 0 where there is only one.
 * @throws InputError if it wins nowhere
 */
export function pickWhereWins(source: PickSource, sample: number, index: number, name: string): Pick {
  const { facts } = source;
  const { data, dims } = sampleOf(source.explained, facts.batchAxis, sample);
  const target = new Float32Array(data.length);
  const { classAxis } = facts;
  const classes = classAxis === undefined ? 1 : (dims[classAxis] as number);
  const stride = classAxis === undefined ? 1 : sizeOf(dims.slice(classAxis + 1));
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / stride) % classes !== 0) continue;
    const at = (k: number): number => data[start + k * stride] as number;
    if (classes === 1) {
      if (at(0) > 0 === (index === 1)) target[start] = index === 1 ? 1 : -1;
      continue;
    }
    let best = 0;
    for (let k = 1; k < classes; k++) if (at(k) > at(best)) best = k;
    if (best === index) target[start + index * stride] = 1;
  }
  const pick = weighed(source, sample, { data: target, dims });
  if (pick.elements > 0) return pick;
  throw new InputError({
    what: `cannot explain where "${name}" wins`,
    why: "it wins at no place of this answer",
    fix: "name another class, or a place with --pixel or --target",
  });
}

/**
 * The n-th best box, from 1 on, after thresholds and suppression.
 * @throws InputError if there are fewer
 */
export function pickBox(
  source: PickSource,
  outputs: DetectionOutputs,
  sample: number,
  rank: number,
  options: DetectionOptions,
): Pick {
  const { facts } = source;
  const found = findDetections(facts, outputs, sample, options);
  const box = found[rank - 1];
  if (!box || !facts.detections)
    throw tooFew(found.length, rank, bestScore(facts, outputs.scores, sample), options);
  const { featureAxis, boxAxis, firstClass, objectness, classIndex } = facts.detections;
  const dims = oneSample(source);
  const at = (feature: number) =>
    dims.map((_, axis) => {
      if (axis === boxAxis) return { from: box.index, to: box.index };
      return axis === featureAxis ? { from: feature, to: feature } : undefined;
    });
  const feature = firstClass + (classIndex === undefined ? box.classIndex : 0);
  const features = objectness === undefined ? [feature] : [objectness, feature];
  const target = regionTarget(dims, features.map(at));
  const { numbers } = weighed(source, sample, target);
  return {
    target,
    numbers: {
      index: box.classIndex,
      probability: box.score,
      ...(numbers.logit === undefined ? {} : { logit: numbers.logit }),
    },
    elements: features.length,
    box,
  };
}

function tooFew(
  count: number,
  rank: number,
  best: number,
  { threshold = 0.25 }: DetectionOptions,
): InputError {
  return new InputError({
    what: `there is no box ${rank}`,
    why: `${count === 0 ? "none has" : `${count} have`} a score of at least ${threshold}; the best score is ${best.toFixed(3)}`,
    fix: "lower --score-threshold, or choose another box",
  });
}

/** A target with the sums of what it weighs. */
function weighed(source: PickSource, sample: number, target: FloatArray): Pick {
  const { facts, explained, values } = source;
  const logits = sampleOf(explained, facts.batchAxis, sample).data;
  const own = values && sampleOf(values, facts.batchAxis, sample).data;
  const sum = (numbers: Float32Array): number =>
    target.data.reduce(
      (total, weight, i) => (weight === 0 ? total : total + weight * (numbers[i] as number)),
      0,
    );
  const elements = target.data.reduce((count, weight) => (weight === 0 ? count : count + 1), 0);
  const hasLogits = own !== undefined && own !== logits && values !== explained;
  return {
    target,
    elements,
    numbers: {
      ...(own ? { value: sum(own) } : {}),
      ...(hasLogits || facts.scale.kind !== "value" ? { logit: sum(logits) } : {}),
      ...(elements === 1 && own && facts.scale.kind === "probability" ? { probability: sum(own) } : {}),
    },
  };
}
