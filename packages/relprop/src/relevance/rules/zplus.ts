import { biasOf, defaultEpsilon, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * z⁺: only what speaks for the output is shared; for convolutions after ReLU.
 *
 *     den  = W⁺x⁺ + W⁻x⁻ + b⁺
 *     R_in = x⁺ ⊙ W⁺ᵀ(R/S_ε(den)) + x⁻ ⊙ W⁻ᵀ(R/S_ε(den))
 *
 * Options: `epsilon` (default 1e-6), `bias: false`, `input: "ones"`. Montavon et al. 2017; α-β with (1, 0).
 */
export function zplus(options: RuleOptions = {}): LinearRule {
  return (layer, R, m) => {
    const x = options.input === "ones" ? m.onesLike(layer.x) : layer.x;
    const positive = { x: m.positive(x), W: m.positive(layer.weights) };
    const negative = { x: m.negative(x), W: m.negative(layer.weights) };
    const bias = m.positive(biasOf(layer, options));
    const parts = [
      [positive.x, positive.W],
      [negative.x, negative.W],
    ] as const;
    const s = layer.shareOfPositive(R, parts, bias, options.epsilon ?? defaultEpsilon);
    if (options.input === "ones") return layer.pullBack(s, positive.W);
    return m.add(
      m.multiply(positive.x, layer.pullBack(s, positive.W)),
      m.multiply(negative.x, negative.x && layer.pullBack(s, negative.W)),
    );
  };
}
