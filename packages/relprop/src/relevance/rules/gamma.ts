import { OptionError } from "../../errors.ts";
import type { Term } from "../algebra.ts";
import { modifiedBias, stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * LRP-γ, signed form: contributions with the sign of the output weigh 1 + γ; for lower convolutions.
 *
 *     P = W + γW⁺, N = W + γW⁻,  p = b + γb⁺, n = b + γb⁻
 *     z₊ = Px⁺ + Nx⁻ + p,  z₋ = Nx⁺ + Px⁻ + n,  s₊ = [z>0]·R/S(z₊),  s₋ = [z<0]·R/S(z₋)
 *     R_in = x⁺⊙(Pᵀs₊ + Nᵀs₋) + x⁻⊙(Nᵀs₊ + Pᵀs₋)
 *
 * z is the layer's own output, with its bias, whatever `bias` says of the denominators.
 * With `split: "weights"` there is one sign for all, as for x ≥ 0 and z > 0: R_in = x⊙Pᵀ(R/S(Px + p)).
 * Options: `gamma` (0.25), `epsilon` (1e-6), `stabilizer`, `bias` (false, "whole"), `split`. Montavon et al. 2019; Andéol et al. 2021.
 * @throws OptionError if γ is negative
 */
export function gamma(options: RuleOptions = {}): LinearRule {
  const { gamma: g = 0.25 } = options;
  const stabilizer = stabilizerOf(options);
  if (!(g >= 0 && g < Infinity)) {
    throw new OptionError({
      what: "cannot use the rule gamma",
      where: `gamma ${g}`,
      why: "gamma must not be negative",
      fix: "0 is LRP-0, 0.25 is usual, a large gamma comes close to zplus",
    });
  }
  return (layer, R, m) => {
    const more = (v: Term): Term => m.add(v, m.scale(g, m.positive(v)));
    const less = (v: Term): Term => m.add(v, m.scale(g, m.negative(v)));
    const P = more(layer.weights);
    const p = modifiedBias(layer, options, more);
    if (options.split === "weights") {
      const s = layer.share(R, layer.forward(layer.x, P, p), p, stabilizer);
      return m.multiply(layer.x, layer.pullBack(s, P));
    }
    const N = less(layer.weights);
    const n = modifiedBias(layer, options, less);
    const [xp, xn] = [m.positive(layer.x), m.negative(layer.x)];
    const z = layer.z();
    const zp = m.add(layer.forward(xp, P, p), layer.forward(xn, N));
    const zn = m.add(layer.forward(xp, N, n), layer.forward(xn, P));
    const zero = m.scalar(0);
    const sp = layer.share(m.wherePositive(z, R, zero), zp, p, stabilizer);
    const sn = layer.share(m.whereNegative(z, R, zero), zn, n, stabilizer);
    return m.add(
      m.multiply(xp, m.add(layer.pullBack(sp, P), layer.pullBack(sn, N))),
      m.multiply(xn, xn && m.add(layer.pullBack(sp, N), layer.pullBack(sn, P))),
    );
  };
}
