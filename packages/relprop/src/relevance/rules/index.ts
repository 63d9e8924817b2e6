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
import { cellGradient, lstmAll, lstmHalf, lstmProp, type RecurrentRule } from "./recurrent.ts";
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

/** For recurrent layers. */
export const recurrentRules = {
  "lstm-all": lstmAll,
  "lstm-half": lstmHalf,
  "lstm-prop": lstmProp,
  gradient: cellGradient,
} satisfies Record<string, (options: RuleOptions) => RecurrentRule>;

export type LinearRuleName = keyof typeof linearRules;
export type PlainRuleName = keyof typeof plainRules;
export type RecurrentRuleName = keyof typeof recurrentRules;
/** What a rule is called in composites and options; `pass` and `gradient` exist with weights and without. */
export type RuleName = LinearRuleName | PlainRuleName | RecurrentRuleName;

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
  "lstm-all": share,
  "lstm-half": share,
  "lstm-prop": share,
};

export type { LinearLayer, LinearRule, Part, RuleOptions } from "./rule.ts";
export { defaultEpsilon } from "./rule.ts";
export type { PlainLayer, PlainRule } from "./plain.ts";
export type { RecurrentRule } from "./recurrent.ts";
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
  lstmAll,
  lstmHalf,
  lstmProp,
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
