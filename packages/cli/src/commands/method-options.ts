/** `--method` and what goes with it: attribution methods beyond relevance propagation. */

import { methodNames, OptionError, type MethodName } from "@relprop/core";
import { given } from "../given.ts";
import type { MethodChoice } from "../run/method-choice.ts";
import { integer } from "./arguments.ts";
import { longFlag, type OptionTable, type ValuesOf } from "./options.ts";
import { relevanceOptions, type CompileValues } from "./relevance-options.ts";

export const methodOptions = {
  method: {
    flag: "--method <name>",
    help: "another method than relevance propagation",
    short: "in place of relevance propagation: integrated-gradients …",
    choices: methodNames,
  },
  steps: {
    flag: "--steps <n>",
    help: "points on the path of integrated-gradients (32)",
    read: integer(1, 100_000),
  },
  samples: { flag: "--samples <n>", help: "noisy copies of smoothgrad (25)", read: integer(1, 100_000) },
  layer: {
    flag: "--layer <node>",
    help: "the feature map of grad-cam (the last before the model pools)",
    isOfPictures: true,
  },
} as const satisfies OptionTable;

/**
 * What the options say about a method; undefined for relevance propagation.
 * @throws OptionError for flags that do not go together
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
  const vain = names
    .filter((name) => values[name] !== undefined)
    .map((name) => longFlag(relevanceOptions[name]));
  if (vain.length > 0) {
    throw new OptionError({
      what: `${vain.join(", ")} and --method do not go together`,
      why: `${method} is not relevance propagation, which they are options of`,
      fix: "leave one or the other out",
    });
  }
  return { method, ...given({ steps, samples, layer }) };
}

/** Says that a flag is one of a method that was not asked for. */
export const needs = (flag: string, method: MethodName): OptionError =>
  new OptionError({
    what: `cannot use ${flag}`,
    why: `it is an option of ${method}`,
    fix: `add --method ${method}`,
  });
