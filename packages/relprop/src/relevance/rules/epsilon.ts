import { biasOf, defaultEpsilon, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * LRP-ε: shares in proportion to each input's contribution; for dense layers near the output.
 *
 *     R_in = x ⊙ Wᵀ( R / S_ε(z) )
 *
 * `epsilon` (default 1e-6) absorbs relevance where z is small; 0 is LRP-0. Bach et al. 2015, eq. 58.
 */
export function epsilon(options: RuleOptions = {}): LinearRule {
  return (layer, R, m) => {
    const z = biasOf(layer, options) === layer.bias ? layer.z() : layer.forward(layer.x, layer.weights);
    const s = m.share(R, z, options.epsilon ?? defaultEpsilon);
    return m.multiply(layer.x, layer.pullBack(s, layer.weights));
  };
}
