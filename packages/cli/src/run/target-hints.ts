/** Suggests options that name an answer, for error messages. */

import { usualTarget, type OutputFacts, type OutputKind } from "@relprop/core";
import { isAnyMap, isYesOrNo } from "@relprop/core/internal";
import { classWord, commandWord } from "./choose-classes.ts";
import type { AnswerNames } from "./score.ts";

/** Other ways to read a model's outputs. */
export interface OtherReadings {
  /** Whether the explained output fits if it is read as a given kind. */
  readonly canBe: (kind: OutputKind, fits: (facts: OutputFacts) => boolean) => Promise<boolean>;
  /** Name of another output that fits as it is read. */
  readonly outputOf: (fits: (facts: OutputFacts) => boolean) => Promise<string | undefined>;
}

/** An output and the names of its numbers. */
export interface NamedOutput extends AnswerNames {
  readonly facts: OutputFacts;
  /** Its name, if another output is explained by default. */
  readonly output?: string | undefined;
}

/** An element of an output, by its indices. */
function elementOf({ shape, batchAxis, detections }: OutputFacts): string {
  const index = shape.map((dim, axis) => {
    if (axis === batchAxis || typeof dim === "string") return 0;
    return axis === detections?.featureAxis ? detections.firstClass : Math.min(dim - 1, 3);
  });
  return index.length === 1 ? `${index[0]},` : index.join(",");
}

/** Whether an output has places that correspond to pixels of the picture. */
export const isPicture = ({ kind, placeAxes }: OutputFacts): boolean =>
  isAnyMap({ kind }) && placeAxes.length > 1;

/** The options that can name an answer of an output. */
export function targetHints({ facts, labels, count, output }: NamedOutput): string {
  const where = output === undefined ? "" : `--output ${commandWord(output)} `;
  const element = `${where}--target ${elementOf(facts)} (an index for each axis)`;
  const isOne = isYesOrNo(facts);
  const names = isOne && labels.length === 1 ? ["", labels[0] as string] : labels;
  const name = classWord(isOne ? 1 : 0, names);
  switch (facts.kind) {
    case "values":
      return `--class ${name} (an index or a name), or ${element}`;
    case "detections": {
      const first = facts.detections?.background === 0 ? 1 : 0;
      return `--box 1 (the best box), --box 1 --class ${classWord(first, labels)}, or ${element}`;
    }
    case "map": {
      const wins = `--class ${name} (the places where it wins)`;
      if (!isPicture(facts)) return `${wins}, or ${element}`;
      const mask = `--target mask.png${isOne ? "" : ` --class ${name}`}`;
      return `${wins}, --pixel X,Y, ${element}, or ${mask}`;
    }
    case "value-map": {
      if (!isPicture(facts)) return element;
      const value = count === 1 ? "" : " --class 0";
      return `--pixel X,Y${value}, ${element}, or --target mask.png${value}`;
    }
    default:
      return element;
  }
}

/** The fix for an option that does not fit an output: leave it out, or use what fits. */
export function without(option: string, names: NamedOutput, isWhole: boolean): string {
  const isUsual = usualTarget(names.facts, isWhole) !== undefined;
  return isUsual ? `leave ${option} out` : `leave ${option} out and name ${targetHints(names)}`;
}
