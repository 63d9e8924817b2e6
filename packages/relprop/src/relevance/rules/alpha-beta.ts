import { OptionError } from "../../errors.ts";
import { inProportion, shareContributions } from "./contributions.ts";
import { stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * α-β: positive contributions share αR, negative contributions −βR.
 *
 *     dα   = W⁺x⁺ + W⁻x⁻ + b⁺          dβ = W⁻x⁺ + W⁺x⁻ + b⁻
 *     R_in = x⁺⊙W⁺ᵀsα + x⁻⊙W⁻ᵀsα + x⁺⊙W⁻ᵀsβ + x⁻⊙W⁺ᵀsβ,   sα = αR/S(dα), sβ = −βR/S(dβ)
 *
 * Options: `alpha` (2), `beta` (1), `epsilon` (1e-6), `stabilizer`, `bias` (false, "whole"), `split: "weights"`.
 * Bach et al. 2015, eq. 60.
 * @throws OptionError unless α, β ≥ 0 and α − β = 1
 *
 * @example
 *     compile(model, { composite: { extends: "epsilon-plus", rules: { convolution: { rule: "alpha-beta", alpha: 1, beta: 0 } } } });
 */
export function alphaBeta(options: RuleOptions = {}): LinearRule {
  const { alpha = 2, beta = 1 } = options;
  stabilizerOf(options);
  if (!(alpha >= 0 && beta >= 0) || Math.abs(alpha - beta - 1) > 1e-9) {
    throw new OptionError({
      what: "cannot use the rule alpha-beta",
      where: `alpha ${alpha}, beta ${beta}`,
      why: "relevance is conserved only if alpha and beta are not negative and alpha − beta = 1",
      fix: "choose for example alpha 2 and beta 1",
    });
  }
  return (layer, R, m) => {
    const [gain, loss] = [m.scale(alpha, R), m.scale(-beta, R)];
    return inProportion(m, [
      ...(gain ? shareContributions(layer, gain, m, "for", options) : []),
      ...(loss ? shareContributions(layer, loss, m, "against", options) : []),
    ]);
  };
}
