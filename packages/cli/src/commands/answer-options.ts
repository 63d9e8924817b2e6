/** Options that name what of an answer is explained, and how boxes are sorted out. */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { boxFormats, type BoxFormat } from "@relprop/core";
import type { AnswerChoices } from "../run/answer-requests.ts";
import type { RunChoices } from "../run/decide.ts";
import { collect, integer, number } from "./arguments.ts";
import { given } from "../given.ts";
import type { Flag } from "./flag.ts";

/** What commander reads from {@link answerFlags}. */
export interface AnswerFlags {
  readonly class?: readonly string[];
  readonly target?: readonly string[];
  readonly pixel?: readonly (readonly [number, number])[];
  readonly box?: readonly number[];
  readonly scoreThreshold?: number;
  readonly iou?: number;
  readonly boxFormat?: BoxFormat;
}

/** One for each property of {@link AnswerFlags} but `class`. */
export interface AnswerFlagSet {
  readonly target: Flag<"--target <elements>", undefined, string[]>;
  readonly pixel: Flag<"--pixel <x,y>", undefined, [number, number][]>;
  readonly box: Flag<"--box <n>", undefined, number[]>;
  readonly scoreThreshold: Flag<"--score-threshold <p>", undefined, number>;
  readonly iou: Flag<"--iou <share>", undefined, number>;
  readonly boxFormat: Flag<"--box-format <format>", BoxFormat>;
}

/** Makes the flags. A new set each time: commander changes them. */
export function answerFlags(): AnswerFlagSet {
  return {
    target: new Option(
      "--target <elements>",
      "elements by index, as 0,6,27 (`:` all of an axis, 3..5 a range), or a file of weights: .npy, on a map also a picture",
    ).argParser(collect),
    pixel: new Option(
      "--pixel <x,y>",
      "a place of a map, in pixels of the picture that the network sees",
    ).argParser(pixel),
    box: new Option("--box <n>", "the n-th best box of a detector").argParser(count),
    scoreThreshold: new Option(
      "--score-threshold <p>",
      "boxes of a lower score are left out (0.25)",
    ).argParser(number(0, 1)),
    iou: new Option("--iou <share>", "overlap from which a box is another one's double (0.45)").argParser(
      number(0, 1),
    ),
    boxFormat: new Option(
      "--box-format <format>",
      "how four numbers say a box, if it is read wrongly",
    ).choices(boxFormats),
  };
}

function pixel(text: string, before: [number, number][] | undefined): [number, number][] {
  const [x, y, ...more] = text.split(",").map((part) => integer(0, 1e6)(part));
  if (x === undefined || y === undefined || more.length > 0)
    throw new InvalidArgumentError("It must be X,Y.");
  return [...(before ?? []), [x, y]];
}

const count = (text: string, before: number[] | undefined): number[] => [
  ...(before ?? []),
  integer(1, 1e6)(text),
];

/** What the flags name. */
export const answerChoices = (flags: AnswerFlags): AnswerChoices & Pick<RunChoices, "detection"> => ({
  classes: flags.class ?? [],
  targets: flags.target ?? [],
  pixels: flags.pixel ?? [],
  boxes: flags.box ?? [],
  detection: given({ threshold: flags.scoreThreshold, overlap: flags.iou, format: flags.boxFormat }),
});
