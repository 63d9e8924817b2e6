/** What a detector's output is found to be: where boxes, scores and classes lie. */

import type { Reading } from "./reading.ts";
import type { OutputScale } from "./scale.ts";

/** Encodings of a box as four numbers: two corners, centre and size, or one corner and size. */
export const boxFormats = ["xyxy", "cxcywh", "xywh", "yxyx"] as const;
/** One of {@link boxFormats}. */
export type BoxFormat = (typeof boxFormats)[number];

/** The axes of boxes in an output. */
export interface BoxAxes {
  /** The axis of the boxes. */
  readonly boxAxis: number;
  /** The axis of the numbers of one box. */
  readonly featureAxis: number;
}

/** Where an output holds boxes and scores. */
export interface DetectionLayout {
  /** Name of the output with the boxes; the explained output itself if it holds both boxes and scores. */
  readonly boxes: string;
  /** The axes of that output. */
  readonly inBoxes: BoxAxes;
  /** The axis of the numbers of one box in the explained output; undefined if each box has one number there, its score. */
  readonly featureAxis: number | undefined;
  /** The axis of the boxes in the explained output. */
  readonly boxAxis: number;
  /** Index of the objectness score, which class scores are multiplied by. */
  readonly objectness: number | undefined;
  /** Index of the first class score. */
  readonly firstClass: number;
  /** Number of class scores of a box. */
  readonly classes: number;
  /** The background class, or that of no object, which is never an answer. */
  readonly background: number | undefined;
  /** Index of the number that names the class, where each box has a single score. */
  readonly classIndex: number | undefined;
  /** Name of the output that names the class of each box, where each box has a single score. */
  readonly labels: string | undefined;
  /** The encoding of a box. */
  readonly format: BoxFormat;
}

/** A layout, the reason for it, and the axes that it names. */
export interface FoundLayout {
  readonly why: string;
  readonly classAxis: number | undefined;
  readonly placeAxes: readonly number[];
  readonly scale: OutputScale;
  readonly detections: DetectionLayout;
}

/** How many numbers a box has. */
export const coordinates = 4;

/** Whether each box names its class, and has a single score. */
export const namesItsClass = ({ classIndex, labels }: DetectionLayout): boolean =>
  classIndex !== undefined || labels !== undefined;

/** How many classes have names; undefined if each box names its own. */
export const namedClasses = (layout: DetectionLayout): number | undefined => {
  if (namesItsClass(layout)) return undefined;
  const { classes, background } = layout;
  // The class of no object stands behind all others, and has no name.
  return background !== undefined && background === classes - 1 && background > 0 ? classes - 1 : classes;
};

/** A layout with what is usual where nothing else is said. */
export const foundLayout = (
  { findLogits, output, outputName }: Reading,
  { boxAxis, featureAxis }: Pick<DetectionLayout, "boxAxis" | "featureAxis">,
  why: string,
  layout: Partial<DetectionLayout> & Pick<DetectionLayout, "firstClass" | "classes">,
): FoundLayout => {
  const detections: DetectionLayout = {
    boxes: outputName,
    inBoxes: { boxAxis, featureAxis: featureAxis ?? boxAxis + 1 },
    featureAxis,
    boxAxis,
    objectness: undefined,
    background: undefined,
    classIndex: undefined,
    labels: undefined,
    format: "cxcywh",
    ...layout,
  };
  const logits = findLogits(output);
  const isBeside = detections.boxes === outputName;
  const scale: OutputScale =
    isBeside && logits ? { kind: "probability", by: "sigmoid" } : (logits?.scale ?? { kind: "value" });
  return { why, classAxis: featureAxis, placeAxes: [boxAxis], scale, detections };
};
