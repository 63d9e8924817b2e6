/** The options of an explanation, and their defaults. */

import { OptionError } from "../errors.ts";
import { suggestion } from "../suggestion.ts";
import {
  activationModes,
  composites,
  compositeNames,
  seeds,
  type Activations,
  type Composite,
  type CompositeName,
  type LayerKind,
  type SeedRelevance,
} from "./composites.ts";
import { strideModes, type Strides } from "./stride-modes.ts";
import { dialectNames, dialects, usualOptions, type Dialect, type DialectName } from "./dialects.ts";
import { optimizations, type Optimization } from "./optimizations.ts";
import { searches, type Search } from "./filter.ts";
import { parseTarget, type TargetSelection } from "./target-text.ts";
import { parseComposite, type OwnComposite } from "./read-composite.ts";
import { checkRule, parseRule, ruleNames, valuesOf } from "./rule-choice.ts";
import { isOwn, type Choice, type RuleChoice } from "./rule-text.ts";
import { optionsOf, type RuleName, type RuleOptions } from "./rules/index.ts";

/** A rule for the nodes that match a pattern. It overrides the composite. */
export interface RuleOverride {
  /** A node name with `*` and `?`, an operator (`Conv`), a layer kind (`first`, `convolution`, …) or `#3`, the third linear layer. */
  readonly pattern: string;
  /** A rule as text: `zplus`, `gamma:0.1`, `zplus(bias=0,epsilon=1e-5)`. */
  readonly rule: string;
}

/**
 * Options of an explanation. Options of rules apply to every rule that has them. `epsilon` applies to layers, while sums
 * and averages keep that of the composite; 0 applies to all.
 */
export interface RelevanceOptions extends Omit<RuleOptions, "input"> {
  /** The rules for each kind of layer: the name of a composite, or a custom one. @default "epsilon-plus" */
  readonly composite?: CompositeName | (string & {}) | OwnComposite;
  /** The library whose variants of the rules are used. @default relprop's, which are zennit's */
  readonly dialect?: DialectName;
  /** Where relevance starts: softmax (all classes, no target), logit (output ⊙ target), one (target). @default the composite's */
  readonly seed?: SeedRelevance;
  /** "channels" sums relevance over channels. @default "none" */
  readonly reduce?: "none" | "channels";
  /** The relevance filter: the fraction of relevance values kept at each layer, 0 for all, or "input" to give it at run time as `keep`. @default 0 */
  readonly topK?: number | "input";
  /** How the filter finds the largest values. "bisection" is faster on GPUs. @default "sorting" */
  readonly filterBy?: Search;
  /** How relevance crosses strides (docs/rules.md §5). @default the composite's */
  readonly strides?: Strides;
  /** The activations that get the composite's rule for ReLUs (deconvnet, guided-backprop, beta-smooth). @default "relu" */
  readonly activations?: Activations;
  /**
   * "input" makes the target a graph input; "top1" explains each sample's highest output; a class index, the indices of an
   * element, or text that {@link parseTarget} reads, is compiled into the graph. @default "input"
   */
  readonly target?: "input" | "top1" | number | readonly number[] | (string & {});
  /** What to do at operators without a rule. @default an error that lists all of them */
  readonly fallback?: "gradient" | "pass";
  /** Rules for nodes by name, which override the composite. */
  readonly rules?: readonly RuleOverride[];
  /** Optimizations to turn off, to measure or test them. Relevance stays the same. @default none */
  readonly without?: readonly Optimization[];
}

/** {@link RelevanceOptions} with all defaults applied. */
export interface Settings {
  /** Name of the composite; "custom" if it has none. */
  readonly composite: string;
  /** The library whose variants of the rules are used. */
  readonly dialect: DialectName | undefined;
  /** The rules for each kind of layer. */
  readonly rules: Composite["rules"];
  /** Where relevance starts. */
  readonly seed: SeedRelevance;
  /** Whether channels are summed. */
  readonly reduce: "none" | "channels";
  /** The fraction of relevance that the filter keeps; 0 for all. */
  readonly topK: number | "input";
  /** How the filter finds the largest values. */
  readonly filterBy: Search;
  /** How relevance crosses strides. */
  readonly strides: Strides;
  /** The target, as far as it is known before a run. */
  readonly target: "input" | "top1" | TargetSelection;
  /** What to do at operators without a rule. */
  readonly fallback: "gradient" | "pass" | undefined;
  /** Rules for nodes by name. */
  readonly overrides: readonly { readonly pattern: string; readonly choice: RuleChoice }[];
  /** Optimizations that are turned off. */
  readonly without: readonly Optimization[];
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
 * Applies all defaults.
 * @throws OptionError for a value that is not allowed, naming the allowed ones
 */
export function settle(options: RelevanceOptions): Settings {
  const { name, composite } = chooseComposite(options.composite);
  const activations = choose("activations", options.activations, activationModes, "relu");
  const layers = activations === "all" ? forAllActivations(name, composite.rules) : composite.rules;
  const { topK = 0 } = options;
  if (topK !== "input" && !(topK >= 0 && topK <= 1)) {
    throw new OptionError({
      what: `top-k cannot be ${topK}`,
      why: "it is the fraction of relevance values that are kept, from 0 to 1",
      fix: "0.02 keeps 2 %, 0 turns the filter off",
    });
  }
  const dialect = options.dialect && choose("dialect", options.dialect, dialectNames, "captum");
  const usual: Pick<Dialect, "rules" | "exceptions"> = dialect ? dialects[dialect] : { rules: {} };
  for (const option of ruleOptions) checkGiven(option, options);
  const rules = Object.entries(layers).map(([kind, choice]): [string, Choice] => {
    if (isOwn(choice)) return [kind, choice];
    const usually = usualOptions(usual, choice.rule, kind as LayerKind);
    return [kind, { ...usually, ...choice, ...given(options, choice.rule) }];
  });
  const overrides = (options.rules ?? []).map(({ pattern, rule }) => {
    const choice = parseRule(rule);
    return {
      pattern,
      choice: { ...usualOptions(usual, choice.rule), ...given(options, choice.rule), ...choice },
    };
  });
  refuseUnusedOption(options, name, [
    ...rules.map(([, choice]) => choice),
    ...overrides.map(({ choice }) => choice),
  ]);
  return {
    composite: name,
    dialect,
    rules: Object.fromEntries(rules),
    seed: choose("seed", options.seed, seeds, composite.seed),
    reduce: choose("reduce", options.reduce, ["none", "channels"], "none"),
    topK: topK === 1 ? 0 : topK,
    filterBy: choose("filterBy", options.filterBy, searches, "sorting"),
    strides: choose("strides", options.strides, strideModes, composite.strides),
    target: chooseTarget(options.target),
    fallback: options.fallback && choose("fallback", options.fallback, ["gradient", "pass"] as const, "pass"),
    overrides,
    without: (options.without ?? []).map((optimization) =>
      choose("without", optimization, optimizations, "zeros"),
    ),
  };
}

/** Reads the target option. Numbers and lists of indices are read as text by {@link parseTarget}. */
export function chooseTarget(target: RelevanceOptions["target"] = "input"): Settings["target"] {
  if (target === "input") return "input";
  if (target === "top1") return "top1";
  return parseTarget(typeof target === "object" ? target.join(",") : String(target));
}

function chooseComposite(given: RelevanceOptions["composite"]): { name: string; composite: Composite } {
  if (typeof given === "object") {
    const composite = parseComposite(given);
    return { name: composite.name ?? "custom", composite };
  }
  const name = choose("composite", given, compositeNames, "epsilon-plus");
  return { name, composite: composites[name] };
}

/** The rules with that for ReLUs applied to every activation. */
function forAllActivations(name: string, rules: Composite["rules"]): Composite["rules"] {
  if (rules.relu) return { ...rules, activation: rules.relu };
  const users = compositeNames.filter((each) => "relu" in composites[each].rules);
  throw new OptionError({
    what: 'nothing uses activations "all"',
    where: `composite ${name}`,
    why: "it has no rule for ReLUs that other activations could get",
    fix: `leave it out, or choose a composite that has one: ${users.join(", ")}`,
  });
}

/** Checks that some rule allows the value of an option. */
function checkGiven(option: keyof RuleOptions, options: RuleOptions): void {
  const user = ruleNames.find((rule) => optionsOf[rule].includes(option));
  if (user && options[option] !== undefined) checkRule(user, { [option]: options[option] }, option);
}

/** Options of rules that can be set for a whole explanation. Others belong to a composite or an override. */
const ruleOptions = Object.keys(valuesOf).filter((option) => option !== "input") as (keyof RuleOptions)[];

/** Whether relevance is a gradient (a sensitivity), not a share of the output: by the rules of linear layers. */
export const givesSensitivities = ({ rules }: Pick<Settings, "rules">): boolean =>
  rules.dense?.rule === "gradient" && rules.convolution?.rule === "gradient";

/** Options that only rules use. Giving one that no rule of the composite uses is a mistake. */
const optionsOfRulesOnly: readonly (keyof RuleOptions)[] = ["gamma", "alpha", "beta", "bias", "split"];

/**
 * The options of the explanation that apply to a rule. `epsilon` is for layers; sums keep the composite's, since ε scales
 * with z. ε = 0 applies to all rules.
 */
function given(options: RelevanceOptions, rule: RuleName): RuleOptions {
  const keepsEpsilon = rule === "norm" && options.epsilon !== 0;
  const taken = ruleOptions.filter(
    (option) => optionsOf[rule].includes(option) && !(keepsEpsilon && option === "epsilon"),
  );
  const all: RuleOptions = options;
  return Object.fromEntries(
    taken.flatMap((option) => (all[option] === undefined ? [] : [[option, all[option]]])),
  );
}

function refuseUnusedOption(options: RelevanceOptions, composite: string, rules: readonly Choice[]): void {
  const all: RuleOptions = options;
  const unused = optionsOfRulesOnly.find(
    (option) =>
      all[option] !== undefined &&
      !rules.some((choice) => !isOwn(choice) && optionsOf[choice.rule].includes(option)),
  );
  if (unused === undefined) return;
  const users = ruleNames.filter((rule) => optionsOf[rule].includes(unused));
  throw new OptionError({
    what: `nothing uses ${unused}`,
    where: `composite ${composite}`,
    why: `it is an option of ${users.join(", ")}`,
    fix: "leave it out, or choose a composite or a rule that uses it",
  });
}
