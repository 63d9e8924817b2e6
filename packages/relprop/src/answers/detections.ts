/** Reads the boxes of a detector and selects them by score and overlap. */

import { sigmoid, softmax } from "./probabilities.ts";
import { OptionError } from "../errors.ts";
import type { FloatArray } from "../run/float-array.ts";
import { sizeAlong, strideAlong } from "../onnx/axis.ts";
import type { BoxFormat } from "../outputs/found-layout.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import { elementAt, sure } from "../sure.ts";

/** A box in pixels of the picture that the model sees. */
export interface Box {
  /** x of its left side. */
  readonly left: number;
  /** y of its upper side. */
  readonly top: number;
  /** x of its right side. */
  readonly right: number;
  /** y of its lower side. */
  readonly bottom: number;
}

/** A detected box. */
export interface Detection extends Box {
  /** Its index along the axis of boxes. */
  readonly index: number;
  /** Its most likely class. */
  readonly classIndex: number;
  /** The probability of the class, times the objectness if the model has one. */
  readonly score: number;
}

/** How boxes are selected. */
export interface DetectionOptions {
  /** Boxes with a lower score are dropped. @default 0.25 */
  readonly threshold?: number;
  /** If two boxes of a class overlap more (intersection over union), the one with the lower score is dropped. @default 0.45 */
  readonly overlap?: number;
  /** The encoding of a box. @default read from the layout and the numbers */
  readonly format?: BoxFormat;
  /** Only boxes of this class. */
  readonly classIndex?: number;
}

/** The outputs with scores and boxes. */
export interface DetectionOutputs {
  /** The explained output, with the scores. */
  readonly scores: FloatArray;
  /** The output with the boxes, which may be the same one. */
  readonly boxes: FloatArray;
  /** The output with the class of each box, if there is one. */
  readonly labels?: FloatArray | undefined;
  /** Height and width of the picture that the model sees, in pixels. */
  readonly size: readonly [height: number, width: number];
}

/**
 * The boxes of one sample above the threshold, best first, after greedy non-maximum suppression within each class.
 * @throws OptionError if the output has no boxes
 */
export function findDetections(
  facts: OutputFacts,
  { scores, boxes, labels, size }: DetectionOutputs,
  sample: number,
  options: DetectionOptions = {},
): Detection[] {
  const { threshold = 0.25, overlap = 0.45, classIndex } = options;
  const layout = layoutOf(facts);
  const { boxAxis, featureAxis } = layout.inBoxes;
  const found: Pick<Detection, "index" | "classIndex" | "score">[] = [];
  let [lowest, best] = [Infinity, -Infinity];
  for (const each of scoresIn(facts, { scores, labels }, sample)) {
    lowest = Math.min(lowest, each.score);
    best = Math.max(best, each.score);
    const isWanted = classIndex === undefined || each.classIndex === classIndex;
    if (isWanted && each.score >= threshold) found.push(each);
  }
  requireProbabilities(lowest, best);
  const number = readerOf(facts, boxes, sample, boxAxis, featureAxis);
  const all = Array.from({ length: sizeAlong(boxes.dims, boxAxis) }, (_, index): Four => [
    number(index, 0),
    number(index, 1),
    number(index, 2),
    number(index, 3),
  ]);
  const format = options.format ?? formatOf(layout.format, all);
  const scale = scaleOf(all, size);
  const kept: Detection[] = [];
  for (const each of found.toSorted((a, c) => c.score - a.score)) {
    const box = { ...each, ...boxOf(sure(all[each.index]), format, scale) };
    const isNew = kept.every(
      (other) => other.classIndex !== box.classIndex || overlapOf(other, box) <= overlap,
    );
    if (isNew) kept.push(box);
  }
  return kept;
}

/** The best score in a sample, of one class or of any, without a threshold; −∞ if there is none. */
export function bestScore(
  facts: OutputFacts,
  outputs: Pick<DetectionOutputs, "scores" | "labels">,
  sample: number,
  only?: number,
): number {
  let best = -Infinity;
  for (const { score, classIndex } of scoresIn(facts, outputs, sample))
    if (only === undefined || classIndex === only) best = Math.max(best, score);
  return best;
}

/** All scores of a sample, each with its box and class. */
function* scoresIn(
  facts: OutputFacts,
  { scores, labels }: Pick<DetectionOutputs, "scores" | "labels">,
  sample: number,
): Generator<Pick<Detection, "index" | "classIndex" | "score">> {
  const { boxAxis, featureAxis, objectness, firstClass, classes, background, classIndex } = layoutOf(facts);
  const number = readerOf(facts, scores, sample, boxAxis, featureAxis);
  const label = labels && readerOf(facts, labels, sample, boxAxis, undefined);
  const boxes = sizeAlong(scores.dims, boxAxis);
  for (let index = 0; index < boxes; index++) {
    const whole = objectness === undefined ? 1 : number(index, objectness);
    const own = probabilities(
      facts.scale,
      Array.from({ length: classes }, (_, k) => number(index, firstClass + k)),
    );
    for (const [k, score] of own.entries()) {
      if (k === background) continue;
      const named = classIndex === undefined ? label?.(index, 0) : number(index, classIndex);
      yield { index, classIndex: named === undefined ? k : Math.round(named), score: whole * score };
    }
  }
}

/** The scores of one box as probabilities, where the output has logits. */
function probabilities(
  { kind, by }: OutputFacts["scale"],
  numbers: readonly number[],
): readonly number[] | Float64Array {
  if (kind !== "logit") return numbers;
  return by === "sigmoid" ? numbers.map(sigmoid) : softmax(numbers);
}

/** Thresholds apply only to probabilities. Those of whole numbers may lie a step below 0. */
function requireProbabilities(lowest: number, best: number): void {
  if (best === -Infinity || (lowest >= -0.05 && best >= 0 && best <= 1)) return;
  throw new OptionError({
    what: "cannot sort out boxes",
    why: `their scores are no probabilities: they go from ${lowest.toFixed(3)} to ${best.toFixed(3)}, and no sigmoid or softmax makes them`,
    fix: "explain one element of the output (--target); where it holds logits and is called so, the names of the classes (--labels) say which function they are for",
  });
}

type Four = readonly [number, number, number, number];

function layoutOf({ detections, kind, why }: OutputFacts): NonNullable<OutputFacts["detections"]> {
  if (detections) return detections;
  throw new OptionError({
    what: "cannot find boxes",
    why: `the output is read as ${kind}: ${why}`,
  });
}

/** Reads a number of a box in one sample. */
function readerOf(
  { batchAxis }: OutputFacts,
  { data, dims }: FloatArray,
  sample: number,
  boxAxis: number,
  featureAxis: number | undefined,
): (box: number, feature: number) => number {
  const start = batchAxis === undefined ? 0 : sample * strideAlong(dims, batchAxis);
  const perBox = strideAlong(dims, boxAxis);
  const perFeature = featureAxis === undefined ? 0 : strideAlong(dims, featureAxis);
  return (box, feature) => elementAt(data, start + box * perBox + feature * perFeature);
}

/** Corners that are out of order mean that the numbers are a centre and a size. */
function formatOf(usual: BoxFormat, boxes: readonly Four[]): BoxFormat {
  const isOrdered = boxes.every(([a, c, d, e]) => d >= a && e >= c);
  return usual === "xyxy" && !isOrdered ? "cxcywh" : usual;
}

/** Boxes whose numbers are all small are fractions of the picture; they scale with its size. */
function scaleOf(
  boxes: readonly Four[],
  [height, width]: readonly [number, number],
): readonly [number, number] {
  const isFraction = boxes.every((box) => box.every((number) => Math.abs(number) <= 2));
  return isFraction ? [width, height] : [1, 1];
}

function boxOf(numbers: Four, format: BoxFormat, [across, down]: readonly [number, number]): Box {
  const [a, c, d, e] = numbers;
  const corners: Readonly<Record<BoxFormat, Four>> = {
    xyxy: [a, c, d, e],
    yxyx: [c, a, e, d],
    xywh: [a, c, a + d, c + e],
    cxcywh: [a - d / 2, c - e / 2, a + d / 2, c + e / 2],
  };
  const [left, top, right, bottom] = corners[format];
  return { left: left * across, top: top * down, right: right * across, bottom: bottom * down };
}

const areaOf = ({ left, top, right, bottom }: Box): number =>
  Math.max(0, right - left) * Math.max(0, bottom - top);

/** Intersection over union. */
function overlapOf(a: Box, c: Box): number {
  const shared = areaOf({
    left: Math.max(a.left, c.left),
    top: Math.max(a.top, c.top),
    right: Math.min(a.right, c.right),
    bottom: Math.min(a.bottom, c.bottom),
  });
  const union = areaOf(a) + areaOf(c) - shared;
  return union === 0 ? 0 : shared / union;
}
