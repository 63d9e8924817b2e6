/** Boxes of a detector: read from its outputs, sorted out by score and overlap. */

import { OptionError } from "./errors.ts";
import type { FloatArray } from "./float-array.ts";
import { sizeOf } from "./onnx/tensor.ts";
import type { BoxFormat } from "./outputs/detection-layout.ts";
import type { OutputFacts } from "./outputs/output-facts.ts";

/** A box in pixels of the picture that the model sees. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A box that the model found. */
export interface Detection extends Box {
  /** Its place along the axis of boxes. */
  readonly index: number;
  readonly classIndex: number;
  /** The class's probability, times that of there being an object where the model has one. */
  readonly score: number;
}

/** How boxes are sorted out. */
export interface DetectionOptions {
  /** Boxes of a lower score are left out. @default 0.25 */
  readonly threshold?: number;
  /** Of two boxes of a class that overlap more (intersection over union), the one with the lower score is left out. @default 0.45 */
  readonly overlap?: number;
  /** How four numbers say a box. @default what the layout says, or what the numbers themselves show */
  readonly format?: BoxFormat;
  /** Only boxes of this class. */
  readonly classIndex?: number;
}

/** An output of four numbers for each box, where they stand apart from the scores. */
export interface DetectionOutputs {
  /** The explained output, with the scores. */
  readonly scores: FloatArray;
  /** The output with the boxes: the same one, or another. */
  readonly boxes: FloatArray;
  /** Height and width of the picture that the model sees, in pixels. */
  readonly size: readonly [height: number, width: number];
}

/**
 * The boxes of one sample, best first: those above the threshold, after greedy non-maximum suppression within each class.
 * @throws OptionError if the output has no boxes
 */
export function findDetections(
  facts: OutputFacts,
  { scores, boxes, size }: DetectionOutputs,
  sample: number,
  options: DetectionOptions = {},
): Detection[] {
  const { threshold = 0.25, overlap = 0.45, classIndex } = options;
  const layout = layoutOf(facts);
  const { boxAxis, featureAxis, objectness, firstClass, classes, background, classIndex: classAt } = layout;
  const score = readerOf(facts, scores, sample, boxAxis, featureAxis);
  requireProbabilities(bestScore(facts, scores, sample));
  const found: { index: number; classIndex: number; score: number }[] = [];
  for (let index = 0; index < (scores.dims[boxAxis] as number); index++) {
    const whole = objectness === undefined ? 1 : score(index, objectness);
    for (let k = 0; k < classes; k++) {
      if (k === background) continue;
      const each = classAt === undefined ? k : Math.round(score(index, classAt));
      const product = whole * score(index, firstClass + k);
      if (product < threshold || (classIndex !== undefined && each !== classIndex)) continue;
      found.push({ index, classIndex: each, score: product });
    }
  }
  const number = readerOf(facts, boxes, sample, boxAxis, featureAxis);
  const numbers = (index: number): Four => [0, 1, 2, 3].map((i) => number(index, i)) as unknown as Four;
  const format =
    options.format ??
    formatOf(
      layout.format,
      found.map(({ index }) => numbers(index)),
    );
  const scale = scaleOf(
    found.map(({ index }) => numbers(index)),
    size,
  );
  const kept: Detection[] = [];
  for (const each of found.toSorted((a, c) => c.score - a.score)) {
    const box = { ...each, ...boxOf(numbers(each.index), format, scale) };
    const isNew = kept.every(
      (other) => other.classIndex !== box.classIndex || overlapOf(other, box) <= overlap,
    );
    if (isNew) kept.push(box);
  }
  return kept;
}

/** The best score of all boxes in a sample, whatever the threshold. */
export function bestScore(facts: OutputFacts, scores: FloatArray, sample: number): number {
  const { boxAxis, featureAxis, objectness, firstClass, classes, background } = layoutOf(facts);
  const score = readerOf(facts, scores, sample, boxAxis, featureAxis);
  let best = -Infinity;
  for (let index = 0; index < (scores.dims[boxAxis] as number); index++) {
    const whole = objectness === undefined ? 1 : score(index, objectness);
    for (let k = 0; k < classes; k++)
      if (k !== background) best = Math.max(best, whole * score(index, firstClass + k));
  }
  return best;
}

/** A threshold has a meaning for probabilities alone. */
function requireProbabilities(best: number): void {
  if (best >= 0 && best <= 1) return;
  throw new OptionError({
    what: "cannot sort out boxes",
    why: `their scores are no probabilities: the best one is ${best.toFixed(3)}, and no sigmoid or softmax makes them`,
    fix: "explain one element of the output (--target)",
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
  featureAxis: number,
): (box: number, feature: number) => number {
  const stride = (axis: number): number => sizeOf(dims.slice(axis + 1));
  const start = batchAxis === undefined ? 0 : sample * stride(batchAxis);
  const [perBox, perFeature] = [stride(boxAxis), stride(featureAxis)];
  return (box, feature) => data[start + box * perBox + feature * perFeature] as number;
}

/** Corners are in order; where they are not, the numbers are a centre and a size. */
function formatOf(usual: BoxFormat, boxes: readonly Four[]): BoxFormat {
  const isOrdered = boxes.every(([a, c, d, e]) => d > a && e > c);
  return usual === "xyxy" && !isOrdered ? "cxcywh" : usual;
}

/** Boxes in fractions of the picture reach not much beyond 1. */
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
