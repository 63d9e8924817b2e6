/** Rules with options, and their text. It knows no rule itself: who shows a composite needs none of their mathematics. */

import type { LinearRule, PlainRule, RecurrentRule, RuleName, RuleOptions } from "./rules/index.ts";

/** A rule and its options. */
export interface RuleChoice extends RuleOptions {
  /** The name of the rule. */
  readonly rule: RuleName;
}

/** A rule that the caller defines by a function. */
export interface OwnRule {
  /** Its name: `function NAME`. */
  readonly rule: `function ${string}`;
  /** The function itself. */
  readonly of: LinearRule | PlainRule | RecurrentRule;
}

/** The rule of a layer. */
export type Choice = RuleChoice | OwnRule;

export const isOwn = (choice: Choice): choice is OwnRule => "of" in choice;

/** A value in the text of a rule. */
export function textOf(value: string | number | boolean | readonly number[]): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "object" ? value.join("/") : String(value);
}

/** A rule as text: `zplus(bias=0, epsilon=0.00001)`. {@link RuleOverride.rule} takes it back. */
export function ruleText(choice: Choice): string {
  if (isOwn(choice)) return choice.rule;
  const { rule, ...options } = choice;
  const chosen = Object.entries(options).map(([name, value]) => `${name}=${textOf(value)}`);
  return chosen.length === 0 ? rule : `${rule}(${chosen.join(", ")})`;
}
