import { biasOf, stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * LRP-ε: shares in proportion to each input's contribution; for dense layers near the output.
 *
 *     R_in = x ⊙ Wᵀ( R / S(z) )
 *
 * Options: `epsilon` (1e-6; it absorbs relevance where z is small, 0 is LRP-0), `stabilizer`, `bias: false`.
 * Bach et al. 2015, eq. 58.
 *
 * @example
 *     // A rule made of two: z⁺ where an output is made of 512 inputs at most, ε elsewhere.
 *     const [plus, eps] = [zplus(), epsilon({ epsilon: 0.01 })];
 *     const bySize: LinearRule = (layer, R, m) => (layer.fanIn > 512 ? eps : plus)(layer, R, m);
 */
export function epsilon(options: RuleOptions = {}): LinearRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => {
    const bias = biasOf(layer, options);
    const z = bias === layer.bias ? layer.z() : layer.forward(layer.x, layer.weights);
    const s = layer.share(R, z, bias, stabilizer);
    return m.multiply(layer.x, layer.pullBack(s, layer.weights));
  };
}
