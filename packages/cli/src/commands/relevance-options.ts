/**
 * Options for computing relevance, shared by all commands that compile. A new option is an entry here, under its name in
 * the library.
 */

import {
  activationModes,
  compositeNames,
  dialectNames,
  outputKinds,
  seeds,
  stabilizerKinds,
  starts,
  strideModes,
  type CompileOptions,
  type OutputKind,
} from "@relprop/core";
import { withoutUndefined } from "../without-undefined.ts";
import { readComposite } from "../models/read-composite.ts";
import { fractionOrInput, inputValues, number, numbers, rules } from "./arguments.ts";
import { without, type OptionData, type ValuesOf } from "./options.ts";

/** Options under the library's names, plus those with other names; see {@link compileOptions}. */
type Table = { readonly [name in keyof CompileOptions | "zeroBias" | "rule"]?: OptionData };

/** Options of relevance propagation only. */
export const relevanceOptions = {
  composite: {
    flag: "--composite <name|file>",
    help: `which rule for which layer: a .json file, or one of ${compositeNames.join(", ")}`,
    short: "which rule for which layer: fischer, epsilon-plus, attnlrp …",
  },
  dialect: {
    flag: "--dialect <library>",
    help: "rules as another library defines them",
    choices: dialectNames,
  },
  seed: {
    flag: "--seed <seed>",
    help: "where relevance starts: all classes, one class's logit or 1, or one class against all others",
    choices: seeds,
  },
  topK: {
    flag: "--top-k <fraction>",
    help: "relevance filter: fraction kept at each layer, or `input`",
    read: fractionOrInput,
  },
  strides: {
    flag: "--strides <way>",
    help: "how relevance crosses strides; average leaves no grid, interpolate no rectangles either",
    choices: strideModes,
  },
  activations: {
    flag: "--activations <which>",
    help: "where deconvnet, guided-backprop and beta-smooth apply: at ReLUs, or at every activation",
    choices: activationModes,
  },
  epsilon: {
    flag: "--epsilon <e>",
    help: "stabiliser of layers' denominators; 0 turns it off everywhere, also at sums and averages",
    read: number(0),
  },
  stabilizer: {
    flag: "--stabilizer <kind>",
    help: "how epsilon keeps denominators away from 0",
    choices: stabilizerKinds,
  },
  zeroBias: { flag: "--zero-bias", help: "leaves biases out of denominators" },
  gamma: { flag: "--gamma <g>", help: "for gamma rules", read: number(0) },
  alpha: { flag: "--alpha <a>", help: "for alpha-beta rules", read: number(0) },
  beta: { flag: "--beta <b>", help: "for alpha-beta rules", read: number(0) },
  low: {
    flag: "--low <l>",
    help: "lowest input value, for box rules; one number or one per channel (what the card makes of pixel 0)",
    read: oneOrMore,
  },
  high: {
    flag: "--high <h>",
    help: "highest input value, for box rules (what the card makes of pixel 255)",
    read: oneOrMore,
  },
  ledger: { flag: "--ledger", help: "reports where relevance stayed" },
} as const satisfies Table;

/** Options that other methods have, too. */
export const modelOptions = {
  rule: { flag: "--rule <pattern=rule>", help: "another rule for some nodes; may be repeated", read: rules },
  fallback: {
    flag: "--fallback <way>",
    help: "what to do at operators without a rule",
    choices: ["gradient", "pass"],
  },
  reduce: {
    flag: "--reduce <axes>",
    help: "whether relevance is summed over channels",
    choices: ["none", "channels"],
    isOfPictures: true,
  },
  input: { flag: "--input <name>", help: "the input whose relevance comes first" },
  set: {
    flag: "--set <input=value>",
    help: "fixes a further input of the model, such as sr=16000, causal=true or scale=1,2; may be repeated",
    short: "fixes a further input, such as sr=16000",
    read: inputValues,
  },
  output: { flag: "--output <name>", help: "the output (or any tensor) to explain" },
  outputKind: {
    flag: "--output-kind <kind>",
    help: "what the output is, if the model does not tell",
    choices: Object.keys(outputKinds) as OutputKind[],
  },
  start: {
    flag: "--start <place>",
    help: "where relevance starts: at the logit, before a final softmax, sigmoid or similar, or at the output itself",
    choices: starts,
  },
} as const satisfies Table;

const table = { ...relevanceOptions, ...modelOptions };

/** The values that commander reads from these options. */
export type CompileValues = Partial<ValuesOf<typeof table>>;

/**
 * Converts values to the library's options; reads the composite's file if one is given.
 * @throws OptionError if that file cannot be read
 */
export async function compileOptions(values: CompileValues): Promise<CompileOptions> {
  const own = Object.keys(without(table, "composite", "zeroBias", "rule")) as (keyof typeof table)[];
  const { composite, zeroBias, rule } = values;
  return withoutUndefined({
    ...Object.fromEntries(own.map((name) => [name, values[name]])),
    composite: composite === undefined ? undefined : await readComposite(composite),
    bias: zeroBias ? false : undefined,
    rules: rule,
  });
}

function oneOrMore(text: string): number | number[] {
  const [first = 0, ...more] = numbers(text);
  return more.length === 0 ? first : [first, ...more];
}
