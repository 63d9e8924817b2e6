import { inProportion, shareContributions } from "./contributions.ts";
import { stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * z⁺: shares only among positive contributions; for convolutions after ReLU.
 *
 *     den  = W⁺x⁺ + W⁻x⁻ + b⁺
 *     R_in = x⁺ ⊙ W⁺ᵀ(R/S(den)) + x⁻ ⊙ W⁻ᵀ(R/S(den))
 *
 * Options: `epsilon` (1e-6), `stabilizer`, `bias` (false, "whole"), `input: "ones"`, `split: "weights"`.
 * Montavon et al. 2017; α-β with (1, 0).
 *
 * @example
 *     compile(model, { composite: { extends: "epsilon-plus", rules: { dense: "zplus(bias=0)" } } });
 */
export function zplus(options: RuleOptions = {}): LinearRule {
  stabilizerOf(options);
  return (layer, R, m) => inProportion(m, shareContributions(layer, R, m, "for", options));
}
