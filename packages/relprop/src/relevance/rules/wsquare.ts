import { biasOf, stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * w²: shares by the squares of the weights, whatever the input is; for the first layer.
 *
 *     den  = Σ_i W²_ki + b²
 *     R_in = (W²)ᵀ( R / S(den) )
 *
 * Options: `epsilon` (1e-6), `stabilizer`, `bias: false`. Montavon et al. 2017.
 *
 * @example
 *     compile(model, { composite: { extends: "epsilon-plus", rules: { first: "wsquare" } } });
 */
export function wsquare(options: RuleOptions = {}): LinearRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => {
    const squares = m.square(layer.weights);
    const bias = m.square(biasOf(layer, options));
    const s = layer.shareOfPositive(R, [[m.onesLike(layer.x), squares]], bias, stabilizer);
    return layer.pullBack(s, squares);
  };
}
