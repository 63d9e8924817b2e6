/** Parsers of option values: text -> numbers, lists, rules. Commander reports the errors that they throw. */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { FixedInputs, RuleOverride } from "@relprop/core";

/** A finite number in [least, most]. */
export const number =
  (least = -Number.MAX_VALUE, most = Number.MAX_VALUE) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    const range =
      least === -Number.MAX_VALUE
        ? "a number"
        : most === Number.MAX_VALUE
          ? `a number of ${least} or more`
          : `a number from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be ${range}.`);
  };

/** A whole number in [least, most]. */
export const integer =
  (least: number, most: number) =>
  (text: string): number => {
    const value = number(least, most)(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError("It must be a whole number.");
  };

/** `0.5` or `1/255`. */
export function ratio(text: string): number {
  const [over, under = "1"] = text.split("/");
  const value = number()(over ?? "") / number()(under);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("It must be a number above 0, or a ratio such as 1/255.");
}

/** Numbers separated by commas. */
export const numbers = (text: string): number[] => text.split(",").map((part) => number()(part));

/** `224` or `H,W`. */
export function size(text: string): [number, number] {
  const sides = text.split(/[,x×]/).map((part) => integer(1, 16384)(part));
  const [height, width = height] = sides;
  if (height !== undefined && width !== undefined && sides.length <= 2) return [height, width];
  throw new InvalidArgumentError("It must be one number of pixels, or H,W.");
}

/** Collects the values of a repeatable option. */
export const collect = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

/** `PATTERN=RULE`, repeatable. */
export function rules(text: string, before: RuleOverride[] | undefined): RuleOverride[] {
  // In "stride>=16=gamma:0.1" the first one is of the pattern.
  const at = text.search(/(?<!>)=/);
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError('It must be PATTERN=RULE, such as "layer4.*=gamma:0.1".');
  return [...(before ?? []), { pattern: text.slice(0, at), rule: text.slice(at + 1) }];
}

/** `INPUT=VALUE`, repeatable: a number, true or false, or several of them with commas between. */
export function inputValues(text: string, before: FixedInputs | undefined): FixedInputs {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be INPUT=VALUE, such as sr=16000.");
  const values = text
    .slice(at + 1)
    .split(",")
    .map((part) => truths.get(part.trim().toLowerCase()) ?? number()(part));
  const [first = 0, ...more] = values;
  return { ...before, [text.slice(0, at)]: more.length === 0 ? first : values };
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
]);

/** Words separated by commas, each one of `allowed`. */
export const words =
  <T extends string>(allowed: readonly T[]) =>
  (text: string): T[] =>
    text.split(",").map((part) => {
      const word = allowed.find((each) => each === part.trim());
      if (word === undefined)
        throw new InvalidArgumentError(`"${part}" is not one of ${allowed.join(", ")}.`);
      return word;
    });

/** A fraction, or the word `input`. */
export function fractionOrInput(text: string): number | "input" {
  if (text === "input") return text;
  try {
    return number(0, 1)(text);
  } catch {
    throw new InvalidArgumentError('It must be a number from 0 to 1, or "input".');
  }
}
