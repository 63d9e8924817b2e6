import { OptionError } from "../../errors.ts";
import { biasOf, defaultEpsilon, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * LRP-γ, signed form: contributions with the sign of the output weigh 1 + γ; for lower convolutions.
 *
 *     P = W + γW⁺, N = W + γW⁻,  p = b + γb⁺, n = b + γb⁻
 *     z₊ = Px⁺ + Nx⁻ + p,  z₋ = Nx⁺ + Px⁻ + n,  s₊ = [z>0]·R/S(z₊),  s₋ = [z<0]·R/S(z₋)
 *     R_in = x⁺⊙(Pᵀs₊ + Nᵀs₋) + x⁻⊙(Nᵀs₊ + Pᵀs₋)
 *
 * Options: `gamma` (0.25), `epsilon` (1e-6), `bias: false`. Montavon et al. 2019; Andéol et al. 2021.
 * @throws OptionError if γ is negative
 */
export function gamma(options: RuleOptions = {}): LinearRule {
  const { gamma: g = 0.25, epsilon = defaultEpsilon } = options;
  if (!(g >= 0)) {
    throw new OptionError({
      what: "cannot use the rule gamma",
      where: `gamma ${g}`,
      why: "gamma must not be negative",
      fix: "0 is LRP-0, 0.25 is usual, a large gamma comes close to zplus",
    });
  }
  return (layer, R, m) => {
    const [xp, xn] = [m.positive(layer.x), m.negative(layer.x)];
    const bias = biasOf(layer, options);
    const P = m.add(layer.weights, m.scale(g, m.positive(layer.weights)));
    const N = m.add(layer.weights, m.scale(g, m.negative(layer.weights)));
    const p = m.add(bias, m.scale(g, m.positive(bias)));
    const n = m.add(bias, m.scale(g, m.negative(bias)));
    const z = bias === layer.bias ? layer.z() : layer.forward(layer.x, layer.weights);
    if (!z) return undefined;
    const zp = m.add(layer.forward(xp, P, p), layer.forward(xn, N));
    const zn = m.add(layer.forward(xp, N, n), layer.forward(xn, P));
    const zero = m.scalar(0);
    const sp = m.wherePositive(z, m.share(R, zp, epsilon), zero);
    const sn = m.whereNegative(z, m.share(R, zn, epsilon), zero);
    return m.add(
      m.multiply(xp, m.add(layer.pullBack(sp, P), layer.pullBack(sn, N))),
      m.multiply(xn, xn && m.add(layer.pullBack(sp, N), layer.pullBack(sn, P))),
    );
  };
}
