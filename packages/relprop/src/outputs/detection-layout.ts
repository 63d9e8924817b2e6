/**
 * Layouts of detector outputs: [N, 4 + K, A] or [N, A, 4 + K]; with objectness [N, A, 5 + K]; after non-maximum
 * suppression [N, A, 6]; or boxes in an output of their own (boxes-apart.ts).
 */

import { axisIn, sharedAxis } from "../relevance/feature-axis.ts";
import { metadataTask } from "./metadata.ts";
import { apart, listed } from "./boxes-apart.ts";
import { coordinates, foundLayout, type DetectionLayout, type FoundLayout } from "./found-layout.ts";
import type { Reading } from "./reading.ts";
import { sure, sureNumber } from "../sure.ts";

/**
 * The detection layout of an output; undefined if it is not one.
 * @param isSaid whether the caller says that these are detections; then the shape alone is enough
 */
export function detectionLayout(reading: Reading, isSaid = false): FoundLayout | undefined {
  if (reading.axes.length === 1) return listed(reading, isSaid);
  return beside(reading) ?? apart(reading) ?? named(reading) ?? (isSaid ? byShape(reading) : undefined);
}

/** A layout whose boxes and scores are one output. */
const found = (
  reading: Reading,
  featureAxis: number | undefined,
  why: string,
  layout: Partial<DetectionLayout> & Pick<DetectionLayout, "firstClass" | "classes">,
): FoundLayout => {
  const boxAxis = sureNumber(reading.axes.find((axis) => axis !== featureAxis));
  return foundLayout(reading, { boxAxis, featureAxis }, why, layout);
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
