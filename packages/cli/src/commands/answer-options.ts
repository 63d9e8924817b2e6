/** Options that select the explained part of an answer, and how boxes are filtered. */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { boxFormats } from "@relprop/core";
import { withoutUndefined } from "../without-undefined.ts";
import type { AnswerChoices } from "../run/answer-requests.ts";
import type { RunChoices } from "../run/decide.ts";
import { collect, integer, number } from "./arguments.ts";
import type { OptionTable, ValuesOf } from "./options.ts";

export const answerOptions = {
  class: {
    flag: "-c, --class <class>",
    help: "top1 … top5, an index (index:3 where names are numbers) or a name; may be repeated",
    short: "top1 … top5, an index or a name; may be repeated",
    read: collect,
  },
  target: {
    flag: "--target <elements>",
    help: "elements by index, as 0,6,27 (`:` all of an axis, 3..5 a range), or a file of weights: .npy, on a map also a picture",
    read: collect,
    isOfPictures: true,
  },
  pixel: {
    flag: "--pixel <x,y>",
    help: "a place of a map, in the picture's own pixels",
    read: pixel,
    isOfPictures: true,
  },
  box: { flag: "--box <n>", help: "the n-th best box of a detector", read: count, isOfPictures: true },
} as const satisfies OptionTable;

export const boxOptions = {
  scoreThreshold: {
    flag: "--score-threshold <p>",
    help: "boxes with a lower score are left out (0.25)",
    read: number(0, 1),
    isOfPictures: true,
  },
  iou: {
    flag: "--iou <share>",
    help: "boxes that overlap more than this count as duplicates (0.45)",
    read: number(0, 1),
    isOfPictures: true,
  },
  boxFormat: {
    flag: "--box-format <format>",
    help: "meaning of a box's four numbers, if it is read wrongly",
    choices: boxFormats,
    isOfPictures: true,
  },
} as const satisfies OptionTable;

function pixel(text: string, before: [number, number][] | undefined): [number, number][] {
  const [x, y, ...more] = text.split(",").map((part) => integer(0, 1e6)(part));
  if (x === undefined || y === undefined || more.length > 0)
    throw new InvalidArgumentError("It must be X,Y.");
  return [...(before ?? []), [x, y]];
}

function count(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), integer(1, 1e6)(text)];
}

/** The choices that the options make. */
export const answerChoices = (
  values: ValuesOf<typeof answerOptions & typeof boxOptions>,
): AnswerChoices & Pick<RunChoices, "detection"> => ({
  classes: values.class ?? [],
  targets: values.target ?? [],
  pixels: values.pixel ?? [],
  boxes: values.box ?? [],
  detection: withoutUndefined({
    threshold: values.scoreThreshold,
    overlap: values.iou,
    format: values.boxFormat,
  }),
});
