/** `--method` and what goes with it: attribution methods beyond relevance propagation. */

import { Option } from "@commander-js/extra-typings";
import { methodNames, OptionError, type MethodName } from "@relprop/core";
import type { MethodChoice } from "../run/method-choice.ts";
import { integer } from "./arguments.ts";
import { given } from "../given.ts";
import type { Flag } from "./flag.ts";
import type { CompileFlags } from "./compile-options.ts";

/** What commander reads from {@link methodFlags}. */
export interface MethodFlags {
  readonly method?: MethodName;
  readonly steps?: number;
  readonly samples?: number;
  readonly layer?: string;
}

/** One for each property of {@link MethodFlags}. */
export interface MethodFlagSet {
  readonly method: Flag<"--method <name>", MethodName>;
  readonly steps: Flag<"--steps <n>", undefined, number>;
  readonly samples: Flag<"--samples <n>", undefined, number>;
  readonly layer: Flag<"--layer <node>">;
}

/** Makes the flags. A new set each time: commander changes them. @param layer what `--layer` does here */
export function methodFlags(layer: string): MethodFlagSet {
  return {
    method: new Option("--method <name>", "another method than relevance propagation").choices(methodNames),
    steps: new Option("--steps <n>", "points on the path of integrated-gradients (32)").argParser(
      integer(1, 100_000),
    ),
    samples: new Option("--samples <n>", "noisy copies of smoothgrad (25)").argParser(integer(1, 100_000)),
    layer: new Option("--layer <node>", layer),
  };
}

/** Flags of relevance propagation, as they are written; `--rule` and `--fallback` choose gradients too. */
const relevanceFlags = {
  composite: "--composite",
  dialect: "--dialect",
  seed: "--seed",
  strides: "--strides",
  activations: "--activations",
  epsilon: "--epsilon",
  stabilizer: "--stabilizer",
  zeroBias: "--zero-bias",
  gamma: "--gamma",
  alpha: "--alpha",
  beta: "--beta",
  low: "--low",
  high: "--high",
  ledger: "--ledger",
  topK: "--top-k",
} as const satisfies { readonly [name in keyof CompileFlags | "topK"]?: string };

/**
 * What the flags say about a method; undefined for relevance propagation.
 * @throws OptionError for flags that do not go together
 */
export function methodChoice(
  flags: MethodFlags & CompileFlags & { readonly topK?: number | "input" },
): MethodChoice | undefined {
  const { method, steps, samples, layer } = flags;
  if (method === undefined) {
    if (steps !== undefined) throw needs("--steps", "integrated-gradients");
    if (samples !== undefined) throw needs("--samples", "smoothgrad");
    return undefined;
  }
  const names = Object.keys(relevanceFlags) as (keyof typeof relevanceFlags)[];
  const vain = names.filter((name) => flags[name] !== undefined).map((name) => relevanceFlags[name]);
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
