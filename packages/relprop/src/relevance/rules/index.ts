/** The rules by the names that composites, options and the command use. */

import { alphaBeta } from "./alpha-beta.ts";
import { epsilon } from "./epsilon.ts";
import { flat } from "./flat.ts";
import { gamma } from "./gamma.ts";
import { gradient, passLinear } from "./gradient.ts";
import {
  betaSmooth,
  constant,
  deconvnet,
  guidedBackprop,
  norm,
  pass,
  plainGradient,
  signal,
  uniform,
  type PlainRule,
} from "./plain.ts";
import type { LinearRule, RuleOptions } from "./rule.ts";
import { wsquare } from "./wsquare.ts";
import { zbox } from "./zbox.ts";
import { zplus } from "./zplus.ts";

/** For layers with weights. */
export const linearRules = {
  epsilon,
  gamma,
  zplus,
  "alpha-beta": alphaBeta,
  zbox,
  wsquare,
  flat,
  gradient,
  pass: passLinear,
} satisfies Record<string, (options: RuleOptions) => LinearRule>;

/** For operators without weights. */
export const plainRules = {
  norm,
  pass,
  gradient: plainGradient,
  constant,
  signal,
  uniform,
  deconvnet,
  "guided-backprop": guidedBackprop,
  "beta-smooth": betaSmooth,
} satisfies Record<string, (options: RuleOptions) => PlainRule>;

export type LinearRuleName = keyof typeof linearRules;
export type PlainRuleName = keyof typeof plainRules;
/** What a rule is called in composites and options; `pass` and `gradient` exist with weights and without. */
export type RuleName = LinearRuleName | PlainRuleName;

const share = ["epsilon", "stabilizer"] as const;

/** The options that each rule takes. */
export const optionsOf: Readonly<Record<RuleName, readonly (keyof RuleOptions)[]>> = {
  epsilon: [...share, "bias"],
  gamma: [...share, "gamma", "bias", "split"],
  zplus: [...share, "bias", "input", "split"],
  "alpha-beta": [...share, "alpha", "beta", "bias", "split"],
  zbox: [...share, "low", "high"],
  wsquare: [...share, "bias"],
  flat: share,
  norm: share,
  pass: [],
  gradient: [],
  constant: [],
  signal: share,
  uniform: share,
  deconvnet: [],
  "guided-backprop": [],
  "beta-smooth": ["beta"],
};

export type { LinearLayer, LinearRule, Part, RuleOptions } from "./rule.ts";
export { defaultEpsilon } from "./rule.ts";
export type { PlainLayer, PlainRule } from "./plain.ts";
export {
  alphaBeta,
  betaSmooth,
  constant,
  deconvnet,
  epsilon,
  flat,
  gamma,
  gradient,
  guidedBackprop,
  norm,
  pass,
  passLinear,
  plainGradient,
  signal,
  uniform,
  wsquare,
  zbox,
  zplus,
};
