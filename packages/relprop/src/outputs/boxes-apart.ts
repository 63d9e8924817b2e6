/**
 * Detectors whose boxes and scores are separate outputs: scores [N, A, K] or [N, K, A] with boxes [N, A, 4] or [N, 4, A];
 * or, as non-maximum suppression leaves them, one score for each box: [A] with [A, 4], or [N, A] with [N, A, 4], and the
 * classes as whole numbers in a third output.
 */

import type { DataType, Dim, Model, Shape } from "../onnx/graph.ts";
import { coordinates, foundLayout, type BoxAxes, type BoxFormat, type FoundLayout } from "./found-layout.ts";
import type { Reading } from "./reading.ts";

/** An output, as far as its graph knows it. */
export interface KnownOutput {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: Shape;
}

const isOpen = (size: Dim | undefined): size is string => typeof size === "string";

/** Whether two sizes may be equal: exporters give each output names of its own for what only a run knows. */
const mayEqual = (a: Dim | undefined, c: Dim | undefined): boolean => a === c || (isOpen(a) && isOpen(c));

/**
 * The axes of boxes that belong to scores with several numbers for each; undefined if they do not.
 * @param scoreAxes those of boxes and classes in the scores
 */
function boxesOfMany(boxes: Shape, scores: Shape, { boxAxis, featureAxis }: BoxAxes): BoxAxes | undefined {
  if (boxes.length !== scores.length) return undefined;
  const others = scores.flatMap((_, axis) => (axis === boxAxis || axis === featureAxis ? [] : [axis]));
  if (!others.every((axis) => boxes[axis] === scores[axis])) return undefined;
  const ways: BoxAxes[] = [
    { boxAxis, featureAxis },
    { boxAxis: featureAxis, featureAxis: boxAxis },
  ];
  return ways.find((way) => boxes[way.featureAxis] === coordinates && boxes[way.boxAxis] === scores[boxAxis]);
}

/** Names of scores of boxes, of boxes, and of classes. */
const scoreNames = /score|conf|prob/i;
const boxNames = /box|coord|loc|reg/i;
const labelNames = /label|class|categor/i;

/** Whether boxes [.., A, 4] and one number for each [.., A] may belong together. */
const areOfOne = (boxes: Shape, scores: Shape): boolean =>
  scores.length > 0 &&
  boxes.length === scores.length + 1 &&
  boxes.at(-1) === coordinates &&
  scores.every((size, axis) => mayEqual(size, boxes[axis]));

const isWhole = ({ dataType }: KnownOutput): boolean => /^u?int/.test(dataType);
const isReal = ({ dataType }: KnownOutput): boolean => dataType.startsWith("float");

/** Boxes of an output with one score for each, and the output with their classes. */
interface Listed {
  readonly boxes: KnownOutput;
  readonly labels: KnownOutput | undefined;
}

/**
 * The boxes of scores [.., A]; undefined if they are none. The shape of scores is that of a list of classes, too: they count
 * as scores of boxes if a further output names the class of each, if only a run knows how many there are, or by their names.
 */
function listedBoxes(
  scores: KnownOutput,
  outputs: readonly KnownOutput[],
  samples: readonly (Dim | undefined)[],
  isSaid = false,
): Listed | undefined {
  const boxes = outputs.find((each) => isReal(each) && areOfOne(each.shape, scores.shape));
  if (!boxes) return undefined;
  const alike = outputs.filter(
    (each) =>
      each.name !== scores.name &&
      each.shape.length === scores.shape.length &&
      each.shape.every((size, axis) => mayEqual(size, scores.shape[axis])),
  );
  const labels =
    alike.find((each) => isWhole(each) && labelNames.test(each.name)) ??
    alike.find((each) => isReal(each) && labelNames.test(each.name)) ??
    (alike.filter(isWhole).length === 1 ? alike.find(isWhole) : undefined);
  const isClasses = labelNames.test(scores.name) && !scoreNames.test(scores.name);
  if (isClasses && alike.some((each) => isReal(each) && scoreNames.test(each.name))) return undefined;
  const count = scores.shape.at(-1);
  const isCounted = isOpen(count) && !samples.includes(count);
  const isCalled = scoreNames.test(scores.name) && boxNames.test(boxes.name);
  return labels || isCounted || isCalled || isSaid ? { boxes, labels } : undefined;
}

/** The scores among a model's outputs, if they belong to boxes. */
export function scoresOfBoxes(
  outputs: readonly KnownOutput[],
  samples: readonly (Dim | undefined)[],
): KnownOutput | undefined {
  const real = outputs.filter(isReal);
  return real.find((scores) => {
    if (listedBoxes(scores, outputs, samples)) return true;
    if (scores.shape.length !== 3) return false;
    return real.some(
      (boxes) =>
        boxes !== scores &&
        [1, 2].some(
          (boxAxis) =>
            scores.shape[3 - boxAxis] !== coordinates &&
            boxesOfMany(boxes.shape, scores.shape, { boxAxis, featureAxis: 3 - boxAxis }),
        ),
    );
  });
}

const outputsOf = ({ source, analysis }: Reading): KnownOutput[] =>
  source.graph.outputs.map(({ name, dataType, shape }) => ({
    name,
    dataType,
    shape: analysis.value(name)?.shape ?? shape,
  }));

/**
 * One score for each box, and the boxes in another output.
 * @param isSaid whether the caller says that these are detections
 */
export function listed(reading: Reading, isSaid: boolean): FoundLayout | undefined {
  const { shape, axes, outputName, source } = reading;
  const [boxAxis] = axes;
  if (axes.length !== 1 || boxAxis !== shape.length - 1) return undefined;
  const outputs = outputsOf(reading);
  const scores = outputs.find(({ name }) => name === outputName);
  const found = scores && listedBoxes({ ...scores, shape }, outputs, samplesOf(source), isSaid);
  if (!found) return undefined;
  const { boxes, labels } = found;
  const named = labels ? `, and their classes are in "${labels.name}"` : "";
  const why = `each is the score of a box of the output "${boxes.name}"${named}`;
  return foundLayout(reading, { boxAxis, featureAxis: undefined }, why, {
    boxes: boxes.name,
    firstClass: 0,
    classes: 1,
    labels: labels?.name,
    format: formatOf(boxes.name),
  });
}

/** TensorFlow's detectors give y before x. */
const formatOf = (boxes: string): BoxFormat => (boxes.startsWith("detection_boxes") ? "yxyx" : "xyxy");

const samplesOf = ({ graph }: Pick<Model, "graph">): (Dim | undefined)[] =>
  graph.inputs.map(({ shape }) => shape[0]);

/** Scores of several classes, whose boxes are in another output. */
export function apart(reading: Reading): FoundLayout | undefined {
  const { shape, axes, findLogits, output, outputName, labels } = reading;
  if (axes.length !== 2) return undefined;
  const logits = findLogits(output);
  const [one = 0, other = 0] = axes;
  for (const [boxAxis, featureAxis] of [
    [one, other],
    [other, one],
  ] as const) {
    const classes = shape[featureAxis];
    if (typeof classes !== "number") continue;
    if (classes === coordinates && !logits && boxNames.test(outputName)) continue;
    for (const boxes of outputsOf(reading)) {
      const inBoxes = boxes.name !== outputName && boxesOfMany(boxes.shape, shape, { boxAxis, featureAxis });
      if (!inBoxes) continue;
      const why = `its numbers are for the boxes of the output "${boxes.name}"`;
      const found = foundLayout(reading, { boxAxis, featureAxis }, why, {
        boxes: boxes.name,
        inBoxes,
        firstClass: 0,
        classes,
        // SSD's softmax has an extra first class, the background; DETR's logits have an extra last one, no object.
        background:
          logits?.scale.by === "softmax" ? 0 : isWithNone(reading, classes) ? classes - 1 : undefined,
        format: "xyxy",
      });
      if (logits || !/logit/i.test(outputName) || labels === 0) return found;
      return { ...found, scale: { kind: "logit", by: isWithNone(reading, classes) ? "softmax" : "sigmoid" } };
    }
  }
  return undefined;
}

/** Whether logits have one more class than there are names. */
const isWithNone = ({ labels, outputName }: Reading, classes: number): boolean =>
  labels > 0 && labels === classes - 1 && /logit/i.test(outputName);
