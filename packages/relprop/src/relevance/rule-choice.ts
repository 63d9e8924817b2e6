/** Rules with options: parsed from text (`gamma:0.1`, `zplus(bias=0)`) or JSON, and the functions that they stand for. */

import { OptionError } from "../errors.ts";
import { suggestion } from "../suggestion.ts";
import { isOwn, textOf, type Choice, type RuleChoice } from "./rule-text.ts";
import { stabilizerKinds } from "./stabilizer.ts";
import {
  linearRules,
  optionsOf,
  plainRules,
  recurrentRules,
  type LinearRule,
  type LinearRuleName,
  type PlainRule,
  type PlainRuleName,
  type RecurrentRule,
  type RecurrentRuleName,
  type RuleName,
  type RuleOptions,
} from "./rules/index.ts";
import { shownValue } from "../plain-text.ts";

/** The function of a rule for layers with weights. */
export const linearRuleOf = (choice: Choice): LinearRule =>
  isOwn(choice) ? (choice.of as LinearRule) : linearRules[choice.rule as LinearRuleName](choice);

/** The function of a rule for layers without weights. */
export const plainRuleOf = (choice: Choice): PlainRule =>
  isOwn(choice) ? (choice.of as PlainRule) : plainRules[choice.rule as PlainRuleName](choice);

/** The function of a rule for recurrent layers. */
export const recurrentRuleOf = (choice: Choice): RecurrentRule =>
  isOwn(choice) ? (choice.of as RecurrentRule) : recurrentRules[choice.rule as RecurrentRuleName](choice);

/** The rules that each kind of row can have; all others have those for operators without weights. */
export const rulesOf = (kind: string | undefined): Readonly<Record<string, unknown>> =>
  kind === "linear" ? linearRules : kind === "recurrent" ? recurrentRules : plainRules;

/** All rules, those for layers with weights first. */
export const ruleNames: readonly RuleName[] = [
  ...new Set([linearRules, plainRules, recurrentRules].flatMap((rules) => Object.keys(rules))),
] as RuleName[];

/** The option that `rule:number` sets. */
const mainOption: Partial<Record<RuleName, keyof RuleOptions>> = {
  epsilon: "epsilon",
  gamma: "gamma",
  zplus: "epsilon",
  norm: "epsilon",
  flat: "epsilon",
  wsquare: "epsilon",
  "beta-smooth": "beta",
  "lstm-all": "epsilon",
  "lstm-half": "epsilon",
  "lstm-prop": "epsilon",
};

/** Types of option: words, non-negative numbers, or bounds (a number, or one for each channel). */
type Values = "numbers from 0 on" | "bounds" | readonly (string | boolean)[];

/** The values that each option takes. */
export const valuesOf: Readonly<Record<keyof RuleOptions, Values>> = {
  epsilon: "numbers from 0 on",
  stabilizer: stabilizerKinds,
  gamma: "numbers from 0 on",
  alpha: "numbers from 0 on",
  beta: "numbers from 0 on",
  low: "bounds",
  high: "bounds",
  bias: [false, true, "whole"],
  input: ["x", "ones"],
  split: ["contributions", "weights"],
};

/**
 * Checks a rule and its options.
 * @param where the text that was read, for errors
 * @throws OptionError for an unknown rule or option, or a value that is not allowed
 */
export function checkRule(
  name: string,
  options: Readonly<Record<string, unknown>>,
  where: string,
): RuleChoice {
  if (!(ruleNames as readonly string[]).includes(name)) {
    throw new OptionError({
      what: `there is no rule "${name}"`,
      ...(where === name ? {} : { where }),
      why: `rules are ${ruleNames.join(", ")}`,
      ...suggestion(name, ruleNames),
    });
  }
  const rule = name as RuleName;
  for (const [option, value] of Object.entries(options)) checkOption(rule, option, value, where);
  return { rule, ...options };
}

function checkOption(rule: RuleName, option: string, value: unknown, where: string): void {
  const allowed: readonly string[] = optionsOf[rule];
  if (!allowed.includes(option)) {
    throw new OptionError({
      what: `the rule ${rule} has no option "${option}"`,
      where,
      why: allowed.length === 0 ? "it takes none" : `its options are ${allowed.join(", ")}`,
      ...suggestion(option, allowed),
    });
  }
  const values = valuesOf[option as keyof RuleOptions];
  if (isAmong(values, value)) return;
  throw new OptionError({
    what: `${option} cannot be ${shownValue(value)}`,
    where,
    why:
      typeof values === "string"
        ? `it takes ${whatIs[values]}`
        : `it is one of ${values.map(textOf).join(", ")}`,
    ...(typeof values === "string" ? {} : suggestion(String(value), values.map(String))),
  });
}

const whatIs = {
  "numbers from 0 on": "a number that is not negative",
  bounds: "a number, or one for each channel",
};

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

function isAmong(values: Values, value: unknown): boolean {
  if (values === "numbers from 0 on") return isNumber(value) && value >= 0;
  if (values === "bounds")
    return Array.isArray(value) ? value.length > 0 && value.every(isNumber) : isNumber(value);
  return (values as readonly unknown[]).includes(value);
}

/**
 * Reads a rule as users write it: `gamma`, `gamma:0.1`, `zplus(bias=0,epsilon=1e-5)`, `zbox(low=-2.1/-2/-1.8,high=3)`.
 * @param where the place of the text, for errors
 * @throws OptionError for an unknown rule or option, or a value that is not allowed, naming the allowed ones
 */
export function parseRule(text: string, where: string = text): RuleChoice {
  const parts = /^([a-z][a-z-]*)(?::(\S+)|\((.*)\))?$/.exec(text.trim());
  const name = parts?.[1];
  if (name === undefined) return checkRule(text, {}, where);
  const bad = (why: string): OptionError =>
    new OptionError({
      what: `cannot read the rule "${text}"`,
      ...(where === text ? {} : { where }),
      why,
      fix: "write for example gamma:0.1 or zplus(bias=0)",
    });
  const pairs = (parts?.[3] ?? "").split(",").filter((pair) => pair.trim() !== "");
  const options = Object.fromEntries(
    pairs.map((pair) => {
      const [key, value, ...more] = pair.split("=").map((part) => part.trim());
      if (!key || !value || more.length > 0) throw bad(`"${pair.trim()}" is not option=value`);
      return [key, readValue(key, value)];
    }),
  );
  const number = parts?.[2];
  if (number === undefined) return checkRule(name, options, where);
  const { rule } = checkRule(name, {}, where);
  const main = mainOption[rule];
  if (!main) throw bad(`${rule} has no single number to set`);
  return checkRule(rule, { [main]: readValue(main, number) }, where);
}

/** The value of a word for an option; the word itself if it is not known. */
function readValue(option: string, word: string): unknown {
  const values = Object.hasOwn(valuesOf, option) ? valuesOf[option as keyof RuleOptions] : undefined;
  if (typeof values === "string") {
    const numbers = word.split("/").map((digits) => (digits.trim() === "" ? Number.NaN : Number(digits)));
    if (!numbers.every(isNumber)) return word;
    return numbers.length === 1 ? numbers[0] : numbers;
  }
  const isSwitch = values?.includes(true) ?? false;
  if (isSwitch && (word === "0" || word === "false")) return false;
  if (isSwitch && (word === "1" || word === "true")) return true;
  return word;
}
