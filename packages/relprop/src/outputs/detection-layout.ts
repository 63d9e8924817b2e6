/**
 * Layouts of detector outputs: [N, 4 + K, A] or [N, A, 4 + K]; with objectness [N, A, 5 + K]; after non-maximum
 * suppression [N, A, 6]; or scores [N, A, K], or one for each box [N, A], with boxes [N, A, 4] in another output.
 */

import type { Shape, Value } from "../onnx/graph.ts";
import { axisIn, sharedAxis } from "../relevance/feature-axis.ts";
import { metadataTask } from "./metadata.ts";
import type { Reading } from "./reading.ts";
import type { Scale } from "./scale.ts";
import { sure, sureNumber } from "../sure.ts";

/** Encodings of a box as four numbers: two corners, centre and size, or one corner and size. */
export const boxFormats = ["xyxy", "cxcywh", "xywh", "yxyx"] as const;
/** One of {@link boxFormats}. */
export type BoxFormat = (typeof boxFormats)[number];

/** Where an output holds boxes and scores. */
export interface DetectionLayout {
  /** Name of the output with the boxes; the explained output itself if it holds both boxes and scores. */
  readonly boxes: string;
  /** The axis of the numbers of one box, in both outputs; undefined if each box has one score, and its numbers are last. */
  readonly featureAxis: number | undefined;
  /** The axis of the boxes. */
  readonly boxAxis: number;
  /** Index of the objectness score, which class scores are multiplied by. */
  readonly objectness: number | undefined;
  /** Index of the first class score. */
  readonly firstClass: number;
  /** Number of class scores. */
  readonly classes: number;
  /** The background class, which is never an answer. */
  readonly background: number | undefined;
  /** Index of the number that names the class, where each box has a single score. */
  readonly classIndex: number | undefined;
  /** Name of the output that names the class of each box, where each box has a single score. */
  readonly labels?: string;
  /** The encoding of a box. */
  readonly format: BoxFormat;
}

/** Whether each box has a single score, and another number names its class. */
export const hasOneScore = ({ featureAxis, classIndex }: DetectionLayout): boolean =>
  featureAxis === undefined || classIndex !== undefined;

/** A layout, the reason for it, and the axes that it names. */
export interface FoundLayout {
  readonly why: string;
  readonly classAxis: number | undefined;
  readonly placeAxes: readonly number[];
  readonly scale: Scale;
  readonly detections: DetectionLayout;
}

const coordinates = 4;

/**
 * The detection layout of an output; undefined if it is not one.
 * @param isSaid whether the caller says that these are detections; then the shape alone is enough
 */
export function detectionLayout(reading: Reading, isSaid = false): FoundLayout | undefined {
  return (
    oneScoreEach(reading) ??
    beside(reading) ??
    apart(reading) ??
    named(reading) ??
    (isSaid ? byShape(reading) : undefined)
  );
}

const found = (
  reading: Reading,
  featureAxis: number | undefined,
  why: string,
  layout: Partial<DetectionLayout> & Pick<DetectionLayout, "firstClass" | "classes">,
): FoundLayout => {
  const boxAxis = sureNumber(reading.axes.find((axis) => axis !== featureAxis));
  const detections: DetectionLayout = {
    boxes: reading.outputName,
    featureAxis,
    boxAxis,
    objectness: undefined,
    background: undefined,
    classIndex: undefined,
    format: "cxcywh",
    ...layout,
  };
  const { findLogits, output, outputName } = reading;
  const logits = findLogits(output);
  const isBeside = detections.boxes === outputName;
  const scale: Scale =
    isBeside && logits ? { kind: "probability", by: "sigmoid" } : (logits?.scale ?? { kind: "value" });
  return { why, classAxis: featureAxis, placeAxes: [boxAxis], scale, detections };
};

/** One input of a concatenation. */
interface Stretch {
  readonly length: number;
  /** Whether its numbers are probabilities. */
  readonly isScore: boolean;
  /** Whether it is an index, which carries no relevance. */
  readonly isIndex: boolean;
}

/** Boxes and scores in one output: four numbers that are not probabilities, then probabilities. */
function beside(reading: Reading): FoundLayout | undefined {
  const joint = stretchesOf(reading);
  if (!joint) return undefined;
  const { axis, stretches } = joint;
  const scores = stretches.findIndex(({ isScore }) => isScore);
  const before = stretches.slice(0, scores);
  const after = stretches.slice(scores);
  const boxNumbers = before.reduce((sum, { length }) => sum + length, 0);
  if (scores < 1 || boxNumbers !== coordinates || before.some(({ isIndex }) => isIndex)) return undefined;
  const [first, ...rest] = after;
  const total = after.reduce((sum, { length }) => sum + length, 0);
  const why = `${coordinates} numbers of a box, then ${total} probabilities, along axis ${axis}`;
  if (first?.length === 1 && rest.length === 1 && rest[0]?.isIndex) {
    const layout = {
      firstClass: coordinates,
      classes: 1,
      classIndex: coordinates + 1,
      format: "xyxy",
    } as const;
    return found(
      reading,
      axis,
      `${coordinates} numbers of a box, its score and its class, along axis ${axis}`,
      layout,
    );
  }
  if (!after.every(({ isScore }) => isScore)) return undefined;
  // Objectness is a stretch by itself (YOLOX), or shares a sigmoid with the classes while centre and size are two stretches (YOLOv5).
  const hasObjectness =
    (first?.length === 1 && rest.length > 0) || (before.length === 2 && reading.labels !== total);
  return found(reading, axis, hasObjectness ? `${why}, the first that there is an object` : why, {
    objectness: hasObjectness ? coordinates : undefined,
    firstClass: coordinates + (hasObjectness ? 1 : 0),
    classes: total - (hasObjectness ? 1 : 0),
  });
}

/** The last concatenation whose axis reaches the output unchanged, and its inputs. */
function stretchesOf(reading: Reading): { axis: number; stretches: readonly Stretch[] } | undefined {
  const { analysis, findLogits, output } = reading;
  const { graph, operators, value } = analysis;
  for (const node of graph.nodes.toReversed()) {
    const row = operators.rowOf(node);
    const y = value(node.outputs[0] ?? "");
    if (!row?.joins || row.family !== "routing" || !y) continue;
    const own = sharedAxis(analysis, node, row, y);
    const axis = own === undefined ? undefined : axisIn(analysis, y, own, output);
    if (own === undefined || axis === undefined || !reading.axes.includes(axis)) continue;
    const lengths = node.inputs.map((name) => value(name)?.shape[own]);
    if (!lengths.every((length) => typeof length === "number")) continue;
    const stretches = node.inputs.map((name, i): Stretch => {
      const logits = findLogits(name);
      return {
        length: sureNumber(lengths[i]),
        isScore: logits?.isWhole === true && logits.scale.kind === "probability",
        isIndex: isFromIntegers(reading, name),
      };
    });
    if (stretches.some(({ isScore }) => isScore)) return { axis, stretches };
  }
  return undefined;
}

/** Whether a value is cast from integers. */
function isFromIntegers({ analysis: { graph, value } }: Reading, name: string): boolean {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(name));
  const input = value(node?.inputs[0] ?? "");
  return input?.dataType.startsWith("int") === true && node?.inputs.length === 1;
}

const isShape = (shape: Shape, other: Shape): boolean =>
  shape.length === other.length && shape.every((dim, axis) => dim === other[axis]);

/** Whether boxes have the shape of the scores, except for four numbers along the feature axis. */
export const areBoxesOf = (boxes: Shape, scores: Shape, featureAxis: number): boolean =>
  boxes.length === scores.length &&
  boxes.every((dim, axis) => (axis === featureAxis ? dim === coordinates : dim === scores[axis]));

/** Scores whose boxes are in another output. */
function apart(reading: Reading): FoundLayout | undefined {
  const { shape, axes, findLogits, output, outputName, source, analysis } = reading;
  const [, featureAxis] = axes;
  const classes = shape[featureAxis ?? -1];
  if (axes.length !== 2 || featureAxis === undefined || typeof classes !== "number") return undefined;
  const boxes = source.graph.outputs.find(
    ({ name, shape: declared }) =>
      name !== outputName && areBoxesOf(analysis.value(name)?.shape ?? declared, shape, featureAxis),
  );
  const logits = findLogits(output);
  const isBoxesItself = classes === coordinates && !logits && /box|coord|loc|reg/i.test(outputName);
  if (!boxes || isBoxesItself) return undefined;
  const why = `its numbers are for the boxes of the output "${boxes.name}"`;
  return found(reading, featureAxis, why, {
    boxes: boxes.name,
    firstClass: 0,
    classes,
    // SSD's softmax has an extra first class: the background.
    background: logits?.scale.by === "softmax" ? 0 : undefined,
    format: "xyxy",
  });
}

/** One score for each box, as behind torchvision's detectors: boxes, and maybe classes, are other outputs. */
function oneScoreEach(reading: Reading): FoundLayout | undefined {
  const { shape, axes, outputName, source, analysis } = reading;
  if (axes.length !== 1 || axes[0] !== shape.length - 1) return undefined;
  const outputs = source.graph.outputs.map((output) => analysis.value(output.name) ?? output);
  const others = outputs.filter(({ name }) => name !== outputName);
  const boxes = others.find((other) => isShape(other.shape, [...shape, coordinates]));
  if (!boxes) return undefined;
  const isClass = (other: Value): boolean =>
    isShape(other.shape, shape) && (other.dataType.startsWith("int") || /class|label/i.test(other.name));
  const labels = others.find(isClass)?.name;
  const named = labels === undefined ? "" : `, of the classes in "${labels}"`;
  const layout = { boxes: boxes.name, firstClass: 0, classes: 1 };
  return found(reading, undefined, `a score for each box of the output "${boxes.name}"${named}`, {
    ...layout,
    ...(labels !== undefined && { labels }),
    // TensorFlow's detectors call them so.
    format: boxes.name.startsWith("detection_boxes") ? "yxyx" : "xyxy",
  });
}

/** The layout by the metadata or the number of class names, for a graph that does not show it. */
function named(reading: Reading): FoundLayout | undefined {
  const { labels, source } = reading;
  if (labels === 0 && metadataTask(source) !== "detect") return undefined;
  return labels > 0 ? byCount(reading, labels) : byShape(reading);
}

function byCount(reading: Reading, classes: number): FoundLayout | undefined {
  for (const axis of reading.axes) {
    const size = reading.shape[axis];
    const extra = typeof size === "number" ? size - classes : 0;
    if (reading.axes.length !== 2 || (extra !== coordinates && extra !== coordinates + 1)) continue;
    const hasObjectness = extra > coordinates;
    return found(reading, axis, `${extra} numbers more than the ${classes} class names, along axis ${axis}`, {
      objectness: hasObjectness ? coordinates : undefined,
      firstClass: extra,
      classes,
    });
  }
  return undefined;
}

/** Takes the shorter axis for the feature axis. */
function byShape(reading: Reading): FoundLayout | undefined {
  const { axes, shape } = reading;
  const sizes = axes.map((axis) => shape[axis]);
  if (axes.length !== 2 || !sizes.every((size) => typeof size === "number")) return undefined;
  const shorter = Math.min(...sizes);
  const featureAxis = sure(axes[sizes.lastIndexOf(shorter)]);
  const classes = shorter - coordinates;
  if (classes < 1) return undefined;
  return found(reading, featureAxis, `axis ${featureAxis} is the shorter one`, {
    firstClass: coordinates,
    classes,
  });
}
