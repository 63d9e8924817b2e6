import { stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * Flat: every input of a neuron gets the same share, whatever weights and input are; for the first layer.
 *
 *     R_in = 1ᵀ( R / S(fan-in) )
 *
 * The fan-in counts the inputs that exist: at a padded border it is smaller. Options: `epsilon` (1e-6), `stabilizer`.
 * Lapuschkin et al. 2019.
 *
 * @example
 *     compile(model, { composite: { extends: "epsilon-plus", rules: { first: "flat" } } });
 */
export function flat(options: RuleOptions = {}): LinearRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => {
    const ones = m.onesOf(layer.weights);
    const s = layer.shareOfPositive(R, [[m.onesLike(layer.x), ones]], undefined, stabilizer);
    return layer.pullBack(s, ones);
  };
}
