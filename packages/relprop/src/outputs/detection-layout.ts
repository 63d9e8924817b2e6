/**
 * Where a detector puts its boxes and their scores: [N, 4 + K, A] and [N, A, 4 + K], with an objectness between them
 * [N, A, 5 + K], after non-maximum suppression [N, A, 6], or scores [N, A, K] with the boxes [N, A, 4] in another output.
 */

import type { Dim } from "../onnx/graph.ts";
import { axisIn, sharedAxis } from "../relevance/feature-axis.ts";
import { metadataTask } from "./metadata.ts";
import type { Reading } from "./reading.ts";
import type { Scale } from "./scale.ts";
import { sureNumber } from "../sure.ts";

/** How four numbers say a box: corners, or centre and size, or one corner and size. */
export const boxFormats = ["xyxy", "cxcywh", "xywh", "yxyx"] as const;
/** One of {@link boxFormats}. */
export type BoxFormat = (typeof boxFormats)[number];

/** Where boxes and scores stand. */
export interface DetectionLayout {
  /** Name of the output that has the boxes; the explained output where they stand beside the scores. */
  readonly boxes: string;
  /** The axis along which a box's numbers stand, in both outputs, and that of the boxes. */
  readonly featureAxis: number;
  /** The axis along which boxes stand. */
  readonly boxAxis: number;
  /** The index of the score that there is something at all, which the scores of classes are multiplied by. */
  readonly objectness: number | undefined;
  /** Index of the first class's score, and how many classes there are. */
  readonly firstClass: number;
  /** How many classes have a score. */
  readonly classes: number;
  /** The class that stands for nothing being there, which is no answer. */
  readonly background: number | undefined;
  /** Index of the number that says which class it is, where each box has one score. */
  readonly classIndex: number | undefined;
  /** How four numbers say a box. */
  readonly format: BoxFormat;
}

/** A layout, why it is thought to be that, and the axes that it gives a name. */
export interface FoundLayout {
  readonly why: string;
  readonly classAxis: number;
  readonly placeAxes: readonly number[];
  readonly scale: Scale;
  readonly detections: DetectionLayout;
}

const coordinates = 4;

/**
 * The layout of an output of two axes for each sample; undefined if it has none.
 * @param isSaid whether the caller knows that these are detections: then shapes alone will do
 */
export function detectionLayout(reading: Reading, isSaid = false): FoundLayout | undefined {
  return beside(reading) ?? apart(reading) ?? named(reading) ?? (isSaid ? byShape(reading) : undefined);
}

const found = (
  reading: Reading,
  featureAxis: number,
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

/** One stretch of the axis along which an output is put together. */
interface Stretch {
  readonly length: number;
  /** Whether its numbers are probabilities. */
  readonly isScore: boolean;
  /** Whether no relevance can come from it: an index. */
  readonly isIndex: boolean;
}

/** Boxes beside scores: four numbers that are none, and then probabilities. */
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
  // Centre and size are computed apart where objectness and classes share a sigmoid (YOLOv5), or it has one of its own (YOLOX).
  const hasObjectness =
    (first?.length === 1 && rest.length > 0) || (before.length === 2 && reading.labels !== total);
  return found(reading, axis, hasObjectness ? `${why}, the first that there is an object` : why, {
    objectness: hasObjectness ? coordinates : undefined,
    firstClass: coordinates + (hasObjectness ? 1 : 0),
    classes: total - (hasObjectness ? 1 : 0),
  });
}

/** The last joint of the graph whose axis reaches the output whole, and what is joined there. */
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

/** Whether a value is a whole number cast to a real one. */
function isFromIntegers({ analysis: { graph, value } }: Reading, name: string): boolean {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(name));
  const input = value(node?.inputs[0] ?? "");
  return input?.dataType.startsWith("int") === true && node?.inputs.length === 1;
}

/** Scores of boxes that another output of the model has. */
function apart(reading: Reading): FoundLayout | undefined {
  const { shape, axes, findLogits, output, outputName, source, analysis } = reading;
  const [boxAxis, featureAxis] = axes as [number, number];
  const classes = shape[featureAxis];
  if (axes.length !== 2 || typeof classes !== "number") return undefined;
  const isBoxes = (other: readonly Dim[]): boolean =>
    other.length === shape.length &&
    other.every((dim, axis) => (axis === featureAxis ? dim === coordinates : dim === shape[axis]));
  const boxes = source.graph.outputs.find(
    ({ name, shape: declared }) => name !== outputName && isBoxes(analysis.value(name)?.shape ?? declared),
  );
  const logits = findLogits(output);
  const isBoxesItself = classes === coordinates && !logits && /box|coord|loc|reg/i.test(outputName);
  if (!boxes || isBoxesItself) return undefined;
  const why = `its numbers are for the boxes of the output "${boxes.name}"`;
  return found({ ...reading, axes: [boxAxis, featureAxis] }, featureAxis, why, {
    boxes: boxes.name,
    firstClass: 0,
    classes,
    // SSD's softmax has one class more than there are names, the first.
    background: logits?.scale.by === "softmax" ? 0 : undefined,
    format: "xyxy",
  });
}

/** What the file's metadata, or the number of class names, says of an output whose graph says nothing. */
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

/** The shorter axis has the numbers of a box. */
function byShape(reading: Reading): FoundLayout | undefined {
  const { axes, shape } = reading;
  const sizes = axes.map((axis) => shape[axis]);
  if (axes.length !== 2 || !sizes.every((size) => typeof size === "number")) return undefined;
  const [a, c] = sizes as [number, number];
  const featureAxis = sureNumber(a < c ? axes[0] : axes[1]);
  const classes = Math.min(a, c) - coordinates;
  if (classes < 1) return undefined;
  return found(reading, featureAxis, `axis ${featureAxis} is the shorter one`, {
    firstClass: coordinates,
    classes,
  });
}
