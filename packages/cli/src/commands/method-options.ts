/** `--method` and its options: attribution methods other than relevance propagation. */

import { methodNames, OptionError, type MethodName } from "@relprop/core";
import { withoutUndefined } from "../without-undefined.ts";
import type { MethodChoice } from "../run/method-choice.ts";
import { integer } from "./arguments.ts";
import { longFlag, type OptionTable, type ValuesOf } from "./options.ts";
import { relevanceOptions, type CompileValues } from "./relevance-options.ts";

export const methodOptions = {
  method: {
    flag: "--method <name>",
    help: "a method other than relevance propagation",
    short: "another method: integrated-gradients …",
    choices: methodNames,
  },
  steps: {
    flag: "--steps <n>",
    help: "steps on the path of integrated-gradients (32)",
    read: integer(1, 100_000),
  },
  samples: { flag: "--samples <n>", help: "noisy copies of smoothgrad (25)", read: integer(1, 100_000) },
  layer: {
    flag: "--layer <node>",
    help: "the feature map for grad-cam (by default the last before pooling)",
    isOfPictures: true,
  },
} as const satisfies OptionTable;

/**
 * The chosen method and its options; undefined for relevance propagation.
 * @throws OptionError for options that exclude each other
 */
export function methodChoice(
  values: ValuesOf<typeof methodOptions> & CompileValues,
): MethodChoice | undefined {
  const { method, steps, samples, layer } = values;
  if (method === undefined) {
    if (steps !== undefined) throw needs("--steps", "integrated-gradients");
    if (samples !== undefined) throw needs("--samples", "smoothgrad");
    return undefined;
  }
  const names = Object.keys(relevanceOptions) as (keyof typeof relevanceOptions)[];
  const unusable = names
    .filter((name) => values[name] !== undefined)
    .map((name) => longFlag(relevanceOptions[name]));
  if (unusable.length > 0) {
    throw new OptionError({
      what: `${unusable.join(", ")} and --method do not go together`,
      why: `they are options of relevance propagation, not of ${method}`,
      fix: "leave out one or the other",
    });
  }
  return { method, ...withoutUndefined({ steps, samples, layer }) };
}

/** The error for an option of a method that was not chosen. */
export const needs = (flag: string, method: MethodName): OptionError =>
  new OptionError({
    what: `cannot use ${flag}`,
    why: `it is an option of ${method}`,
    fix: `add --method ${method}`,
  });
