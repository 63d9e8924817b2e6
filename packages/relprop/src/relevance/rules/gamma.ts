import { OptionError } from "../../errors.ts";
import { type Term } from "../algebra.ts";
import { isRelative } from "../stabilizer.ts";
import { complementsAreKnown, contributions } from "./contributions.ts";
import { modifiedBias, stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * LRP-γ, signed form: contributions with the sign of the output weigh 1 + γ; for lower convolutions.
 *
 *     P = W + γW⁺, N = W + γW⁻,  p = b + γb⁺, n = b + γb⁻
 *     z₊ = Px⁺ + Nx⁻ + p,  z₋ = Nx⁺ + Px⁻ + n,  s₊ = [z>0]·R/S(z₊),  s₋ = [z<0]·R/S(z₋)
 *     R_in = x⁺⊙(Pᵀs₊ + Nᵀs₋) + x⁻⊙(Nᵀs₊ + Pᵀs₋)
 *
 * z is the layer's own output with its bias, independent of the option `bias`.
 * `split: "weights"` treats all as x ≥ 0 and z > 0: R_in = x⊙Pᵀ(R/S(Px + p)).
 * Options: `gamma` (0.25), `epsilon` (1e-6), `stabilizer`, `bias` (false, "whole"), `split`. Montavon et al. 2019; Andéol et al. 2021.
 * @throws OptionError if γ is negative
 *
 * @example
 *     compile(model, { composite: { extends: "epsilon-plus", rules: { convolution: "gamma:0.1" } } });
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
    // v + γv⁺ and v + γv⁻, with a copy of weights less.
    const more = (v: Term): Term => m.larger(v, m.scale(1 + g, v));
    const less = (v: Term): Term => m.smaller(v, m.scale(1 + g, v));
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
    const [above, below] = [m.onlyPositive(R, z), m.onlyNegative(R, z)];
    // z₊ ≥ z if the bias is in both: where z₊ is negative, nothing is shared.
    const isOpen = options.bias !== false && !isRelative(stabilizer.kind);
    const [zp, zn] = denominators();
    const sp = above && layer.share(above, isOpen ? m.positive(zp) : zp, p, stabilizer);
    const sn = below && layer.share(below, zn, n, stabilizer);
    return m.add(
      m.multiply(xp, m.add(layer.pullBack(sp, P), layer.pullBack(sn, N))),
      m.multiply(xn, xn && m.add(layer.pullBack(sp, N), layer.pullBack(sn, P))),
    );

    function denominators(): [Term, Term] {
      if (above && below && complementsAreKnown(layer, m, options)) {
        const forIt = layer.sumOfPositive(contributions(layer, m, "for"), m.positive(layer.bias));
        const against = m.subtract(z, forIt);
        return [m.add(z, m.scale(g, forIt)), m.add(z, m.scale(g, against))];
      }
      return [
        m.add(layer.forward(xp, P, p), layer.forward(xn, N)),
        below && m.add(layer.forward(xp, N, n), layer.forward(xn, P)),
      ];
    }
  };
}
