import { OptionError } from "../../errors.ts";
import { biasOf, defaultEpsilon, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * α-β: what speaks for the output is shared α times, what speaks against it −β times.
 *
 *     dα   = W⁺x⁺ + W⁻x⁻ + b⁺          dβ = W⁻x⁺ + W⁺x⁻ + b⁻
 *     R_in = α[x⁺⊙W⁺ᵀsα + x⁻⊙W⁻ᵀsα] − β[x⁺⊙W⁻ᵀsβ + x⁻⊙W⁺ᵀsβ],   s = R/S_ε(d)
 *
 * Options: `alpha` (2), `beta` (1), `epsilon` (1e-6), `bias: false`. Bach et al. 2015, eq. 60.
 * @throws OptionError unless α, β ≥ 0 and α − β = 1
 */
export function alphaBeta(options: RuleOptions = {}): LinearRule {
  const { alpha = 2, beta = 1, epsilon = defaultEpsilon } = options;
  if (!(alpha >= 0 && beta >= 0) || Math.abs(alpha - beta - 1) > 1e-9) {
    throw new OptionError({
      what: "cannot use the rule alpha-beta",
      where: `alpha ${alpha}, beta ${beta}`,
      why: "relevance is conserved only if alpha and beta are not negative and alpha − beta = 1",
      fix: "choose for example alpha 2 and beta 1",
    });
  }
  return (layer, R, m) => {
    const [xp, xn] = [m.positive(layer.x), m.negative(layer.x)];
    const [Wp, Wn] = [m.positive(layer.weights), m.negative(layer.weights)];
    const bias = biasOf(layer, options);
    const half = (W1: typeof Wp, W2: typeof Wn, b: typeof bias, positive: boolean): typeof bias => {
      const s = positive
        ? layer.shareOfPositive(
            R,
            [
              [xp, W1],
              [xn, W2],
            ],
            b,
            epsilon,
          )
        : m.share(R, m.add(layer.forward(xp, W1, b), layer.forward(xn, W2)), epsilon);
      return m.add(m.multiply(xp, layer.pullBack(s, W1)), m.multiply(xn, xn && layer.pullBack(s, W2)));
    };
    const speaksFor = alpha === 0 ? undefined : half(Wp, Wn, m.positive(bias), true);
    const speaksAgainst = beta === 0 ? undefined : half(Wn, Wp, m.negative(bias), false);
    return m.subtract(m.scale(alpha, speaksFor), m.scale(beta, speaksAgainst));
  };
}
