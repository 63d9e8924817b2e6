import { defaultEpsilon, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * Flat: every input of a neuron gets the same share, whatever weights and input are; for the first layer.
 *
 *     R_in = 1ᵀ( R / S_ε(fan-in) )
 *
 * The fan-in counts the inputs that exist: at a padded border it is smaller. Option: `epsilon` (1e-6).
 * Lapuschkin et al. 2019.
 */
export function flat(options: RuleOptions = {}): LinearRule {
  return (layer, R, m) => {
    const ones = m.onesOf(layer.weights);
    const s = layer.shareOfPositive(
      R,
      [[m.onesLike(layer.x), ones]],
      undefined,
      options.epsilon ?? defaultEpsilon,
    );
    return layer.pullBack(s, ones);
  };
}
