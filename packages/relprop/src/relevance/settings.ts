/** What can be chosen about an explanation, and what is chosen where nothing is said. */

import { OptionError } from "../errors.ts";
import { suggestion } from "../suggestion.ts";
import {
  composites,
  compositeNames,
  type Composite,
  type CompositeName,
  type RuleChoice,
  type SeedRelevance,
  type Strides,
} from "./composites.ts";
import { linearRules, plainRules, type RuleName, type RuleOptions } from "./rules/index.ts";

/** A rule for the nodes that a pattern names; goes before the composite. */
export interface RuleOverride {
  /** A node name with `*` and `?`, an operator (`Conv`), a layer kind (`first`, `convolution`, …) or `#3`, the third linear layer. */
  readonly pattern: string;
  /** A rule as text: `zplus`, `gamma:0.1`, `zplus(bias=0,epsilon=1e-5)`. */
  readonly rule: string;
}

export interface RelevanceOptions extends Omit<RuleOptions, "input" | "bias"> {
  /** Which rule for which layer. @default "epsilon-plus" */
  readonly composite?: CompositeName | (string & {});
  /** Where relevance starts: softmax (all classes, no target), logit (output ⊙ target), one (target). @default the composite's */
  readonly seed?: SeedRelevance;
  /** "channels" sums the result over its channels. @default "none" */
  readonly reduce?: "none" | "channels";
  /** The relevance filter: the fraction of relevance values kept at each layer, 0 for all, or "input" to give it at run time as `keep`. @default 0 */
  readonly topK?: number | "input";
  /** How relevance crosses strides (rules.md §5). @default the composite's */
  readonly strides?: Strides;
  /** "input" makes the target a graph input; "top1" explains each sample's highest output. @default "input" */
  readonly target?: "input" | "top1";
  /** What to do at an operator that has no rule. @default an error that lists all of them */
  readonly fallback?: "gradient" | "pass";
  readonly rules?: readonly RuleOverride[];
}

/** {@link RelevanceOptions} with everything decided. */
export interface Settings {
  readonly composite: CompositeName;
  readonly rules: Composite["rules"];
  readonly seed: SeedRelevance;
  readonly reduce: "none" | "channels";
  readonly topK: number | "input";
  readonly strides: Strides;
  readonly target: "input" | "top1";
  readonly fallback: "gradient" | "pass" | undefined;
  readonly overrides: readonly { readonly pattern: string; readonly choice: RuleChoice }[];
}

const ruleNames: readonly string[] = [...new Set([...Object.keys(linearRules), ...Object.keys(plainRules)])];

/** The option that `rule:number` sets. */
const mainOption: Partial<Record<RuleName, keyof RuleOptions>> = {
  epsilon: "epsilon",
  gamma: "gamma",
  zplus: "epsilon",
  norm: "epsilon",
  flat: "epsilon",
  wsquare: "epsilon",
  "beta-smooth": "beta",
};

const numericOptions = ["epsilon", "gamma", "alpha", "beta", "low", "high"];

/** Reads a rule as users write it: `gamma`, `gamma:0.1`, `zplus(bias=0,epsilon=1e-5)`. */
export function parseRule(text: string): RuleChoice {
  const parts = /^([a-z][a-z-]*)(?::(\S+)|\((.*)\))?$/.exec(text.trim());
  const name = parts?.[1] ?? text;
  if (!parts || !ruleNames.includes(name)) {
    throw new OptionError({
      what: `there is no rule "${name}"`,
      why: `rules are ${ruleNames.join(", ")}`,
      ...suggestion(name, ruleNames),
    });
  }
  const rule = name as RuleName;
  const options: Record<string, number | boolean | string> = {};
  const main = mainOption[rule];
  if (parts[2] !== undefined && main) options[main] = numberOf(text, parts[2]);
  else if (parts[2] !== undefined) throw badRule(text, `${rule} has no single number to set`);
  for (const pair of parts[3]?.split(",") ?? []) {
    const [key = "", value = ""] = pair.split("=").map((part) => part.trim());
    if (numericOptions.includes(key)) options[key] = numberOf(text, value);
    else if (key === "bias") options["bias"] = value !== "0" && value !== "false";
    else if (key === "input" && (value === "ones" || value === "x")) options["input"] = value;
    else
      throw badRule(text, `"${pair.trim()}" is none of ${numericOptions.join(", ")}, bias=0|1, input=ones|x`);
  }
  return { rule, ...options };
}

function badRule(text: string, why: string): OptionError {
  return new OptionError({
    what: `cannot read the rule "${text}"`,
    why,
    fix: "write for example gamma:0.1 or zplus(bias=0)",
  });
}

function numberOf(text: string, digits: string): number {
  const number = Number(digits);
  if (digits === "" || !Number.isFinite(number)) throw badRule(text, `"${digits}" is not a number`);
  return number;
}

function choose<T extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly T[],
  orElse: T,
): T {
  if (value === undefined) return orElse;
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new OptionError({
    what: `${option} cannot be "${value}"`,
    why: `it is one of ${allowed.join(", ")}`,
    ...suggestion(value, allowed),
  });
}

/**
 * Decides everything that was left open.
 * @throws OptionError for a value that is not allowed, naming those that are
 */
export function settle(options: RelevanceOptions): Settings {
  const name = choose("composite", options.composite, compositeNames, "epsilon-plus");
  const composite: Composite = composites[name];
  const { topK = 0, epsilon } = options;
  if (topK !== "input" && !(topK >= 0 && topK <= 1)) {
    throw new OptionError({
      what: `top-k cannot be ${topK}`,
      why: "it is the fraction of relevance values that are kept, from 0 to 1",
      fix: "0.02 keeps 2 %, 0 turns the filter off",
    });
  }
  if (epsilon !== undefined && !(epsilon >= 0)) {
    throw new OptionError({ what: `epsilon cannot be ${epsilon}`, why: "it must not be negative" });
  }
  return {
    composite: name,
    rules: withOptions(composite.rules, options),
    seed: choose("seed", options.seed, ["softmax", "logit", "one"], composite.seed),
    reduce: choose("reduce", options.reduce, ["none", "channels"], "none"),
    topK: topK === 1 ? 0 : topK,
    strides: choose("strides", options.strides, ["exact", "average"], composite.strides),
    target: choose("target", options.target, ["input", "top1"], "input"),
    fallback: options.fallback && choose("fallback", options.fallback, ["gradient", "pass"] as const, "pass"),
    overrides: (options.rules ?? []).map(({ pattern, rule }) => ({ pattern, choice: parseRule(rule) })),
  };
}

/** Which rules an option of the command is about; the others keep the composite's. */
const optionUsers: Readonly<Record<keyof RuleOptions, readonly RuleName[]>> = {
  epsilon: ["epsilon", "gamma", "zplus", "alpha-beta", "zbox", "wsquare", "flat"],
  gamma: ["gamma"],
  alpha: ["alpha-beta"],
  beta: ["alpha-beta", "beta-smooth"],
  low: ["zbox"],
  high: ["zbox"],
  bias: ["epsilon", "gamma", "zplus", "alpha-beta", "wsquare"],
  input: ["zplus"],
};

function withOptions(rules: Composite["rules"], options: RuleOptions): Composite["rules"] {
  const entries = Object.entries(rules).map(([layer, choice]) => {
    const chosen = Object.entries(optionUsers).flatMap(([option, users]) => {
      const value = options[option as keyof RuleOptions];
      return value !== undefined && users.includes(choice.rule) ? [[option, value] as const] : [];
    });
    return [layer, { ...choice, ...Object.fromEntries(chosen) }] as const;
  });
  return Object.fromEntries(entries);
}
