/** Options that say how relevance is computed: the same for all commands that compile. */

import { Option } from "@commander-js/extra-typings";
import {
  compositeNames,
  dialectNames,
  outputKinds,
  type CompileOptions,
  type DialectName,
  type OutputKind,
  type RelevanceOptions,
  type RuleOverride,
} from "@relprop/core";
import { readComposite } from "../models/read-composite.ts";
import { number, numbers, rules } from "./arguments.ts";
import { given } from "../given.ts";
import type { Flag } from "./flag.ts";

type Stabilizer = NonNullable<RelevanceOptions["stabilizer"]>;

const stabilizers = ["add", "clip", "norm", "norm-clip", "unsigned", "zero"] as const satisfies Stabilizer[];

/** What commander reads from {@link compileFlags}. */
export interface CompileFlags {
  readonly composite?: string;
  readonly dialect?: DialectName;
  readonly seed?: "softmax" | "logit" | "one";
  readonly strides?: "exact" | "average";
  readonly activations?: "relu" | "all";
  readonly reduce?: "none" | "channels";
  readonly epsilon?: number;
  readonly stabilizer?: Stabilizer;
  readonly zeroBias?: true;
  readonly gamma?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly low?: number[];
  readonly high?: number[];
  readonly input?: string;
  readonly output?: string;
  readonly outputKind?: OutputKind;
  readonly start?: "logit" | "output";
  readonly fallback?: "gradient" | "pass";
  readonly rule?: readonly RuleOverride[];
  readonly ledger?: true;
}

/** One for each property of {@link CompileFlags}. */
export interface CompileFlagSet {
  readonly composite: Flag<"--composite <name|file>">;
  readonly dialect: Flag<"--dialect <library>", DialectName>;
  readonly seed: Flag<"--seed <seed>", "softmax" | "logit" | "one">;
  readonly strides: Flag<"--strides <way>", "exact" | "average">;
  readonly activations: Flag<"--activations <which>", "relu" | "all">;
  readonly reduce: Flag<"--reduce <axes>", "none" | "channels">;
  readonly epsilon: Flag<"--epsilon <e>", undefined, number>;
  readonly stabilizer: Flag<"--stabilizer <kind>", Stabilizer>;
  readonly zeroBias: Flag<"--zero-bias">;
  readonly gamma: Flag<"--gamma <g>", undefined, number>;
  readonly alpha: Flag<"--alpha <a>", undefined, number>;
  readonly beta: Flag<"--beta <b>", undefined, number>;
  readonly low: Flag<"--low <l>", undefined, number[]>;
  readonly high: Flag<"--high <h>", undefined, number[]>;
  readonly input: Flag<"--input <name>">;
  readonly output: Flag<"--output <name>">;
  readonly outputKind: Flag<"--output-kind <kind>", OutputKind>;
  readonly start: Flag<"--start <place>", "logit" | "output">;
  readonly fallback: Flag<"--fallback <way>", "gradient" | "pass">;
  readonly rule: Flag<"--rule <pattern=rule>", undefined, RuleOverride[]>;
  readonly ledger: Flag<"--ledger">;
}

/** Makes the flags. A new set each time: commander changes them. */
export function compileFlags(): CompileFlagSet {
  return {
    composite: new Option(
      "--composite <name|file>",
      `which rule for which layer: a .json file, or one of ${compositeNames.join(", ")}`,
    ),
    dialect: new Option("--dialect <library>", "rules as another library has them").choices(dialectNames),
    seed: new Option(
      "--seed <seed>",
      "where relevance starts: all classes, or one class's logit or 1",
    ).choices(["softmax", "logit", "one"] as const),
    strides: new Option("--strides <way>", "how relevance crosses strides; average leaves no grid").choices([
      "exact",
      "average",
    ] as const),
    activations: new Option(
      "--activations <which>",
      "what deconvnet, guided-backprop and beta-smooth act on: ReLUs, or every activation",
    ).choices(["relu", "all"] as const),
    reduce: new Option("--reduce <axes>", "sum relevance over channels, or not").choices([
      "none",
      "channels",
    ] as const),
    epsilon: new Option(
      "--epsilon <e>",
      "stabiliser of layers' denominators; 0 is none in any, also of sums and averages",
    ).argParser(number(0)),
    stabilizer: new Option("--stabilizer <kind>", "how epsilon keeps denominators from 0").choices(
      stabilizers,
    ),
    zeroBias: new Option("--zero-bias", "leaves biases out of denominators"),
    gamma: new Option("--gamma <g>", "for gamma rules").argParser(number(0)),
    alpha: new Option("--alpha <a>", "for alpha-beta rules").argParser(number(0)),
    beta: new Option("--beta <b>", "for alpha-beta rules").argParser(number(0)),
    low: new Option("--low <l>", "lowest input value, for box rules; one number or one a channel").argParser(
      numbers,
    ),
    high: new Option("--high <h>", "highest input value, for box rules").argParser(numbers),
    input: new Option("--input <name>", "the input whose relevance comes first"),
    output: new Option("--output <name>", "the output (or any tensor) that is explained"),
    outputKind: new Option(
      "--output-kind <kind>",
      "what that output is, where the model does not tell",
    ).choices(Object.keys(outputKinds) as OutputKind[]),
    start: new Option(
      "--start <place>",
      "relevance starts at the logit, before a final softmax, sigmoid or the like, or at the output as it is",
    ).choices(["logit", "output"] as const),
    fallback: new Option("--fallback <way>", "what to do at operators that have no rule").choices([
      "gradient",
      "pass",
    ] as const),
    rule: new Option("--rule <pattern=rule>", "another rule for some nodes, may be repeated").argParser(
      rules,
    ),
    ledger: new Option("--ledger", "keeps account of where relevance stayed"),
  };
}

/**
 * Flags -> the library's options. Reads the composite's file, if it is one.
 * @throws OptionError if that file cannot be read
 */
export async function compileOptions(flags: CompileFlags): Promise<CompileOptions> {
  const { composite, zeroBias, low, high, rule } = flags;
  const { dialect, seed, strides, activations, reduce, epsilon, stabilizer, gamma, alpha, beta } = flags;
  const { input, output, outputKind, start, fallback, ledger } = flags;
  return given({
    composite: composite === undefined ? undefined : await readComposite(composite),
    dialect,
    seed,
    strides,
    activations,
    reduce,
    epsilon,
    stabilizer,
    bias: zeroBias ? false : undefined,
    gamma,
    alpha,
    beta,
    low: oneOrMore(low),
    high: oneOrMore(high),
    input,
    output,
    outputKind,
    start,
    fallback,
    rules: rule,
    ledger,
  });
}

const oneOrMore = (list: number[] | undefined): number | number[] | undefined =>
  list?.length === 1 ? list[0] : list;
