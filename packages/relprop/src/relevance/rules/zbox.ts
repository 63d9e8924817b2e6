import { OptionError } from "../../errors.ts";
import { defaultEpsilon, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * z-box (zᴮ): for the first layer, where inputs lie between known bounds l and h.
 *
 *     den  = Wx − W⁺l − W⁻h
 *     R_in = x⊙Wᵀs − l⊙W⁺ᵀs − h⊙W⁻ᵀs,   s = R/S_ε(den)
 *
 * Options: `low`, `high` (required: a number, or one for each channel), `epsilon` (1e-6). Padding contributes 0.
 * Montavon et al. 2017.
 * @throws OptionError if a bound is missing
 */
export function zbox(options: RuleOptions = {}): LinearRule {
  const { low, high, epsilon = defaultEpsilon } = options;
  if (low === undefined || high === undefined) {
    throw new OptionError({
      what: "cannot use the rule zbox",
      why: "it needs the smallest and the largest value that an input can have",
      fix: "give --low and --high, as the network sees them after preprocessing",
    });
  }
  return (layer, R, m) => {
    const ones = m.onesLike(layer.x);
    const l = m.multiply(ones, m.perChannel(low, layer.x));
    const h = m.multiply(ones, m.perChannel(high, layer.x));
    const [Wp, Wn] = [m.positive(layer.weights), m.negative(layer.weights)];
    const bounds = m.add(layer.forward(l, Wp), layer.forward(h, Wn));
    const den = m.subtract(layer.forward(layer.x, layer.weights), bounds);
    const s = m.share(R, m.nonNegative(den), epsilon);
    const most = m.add(m.multiply(l, layer.pullBack(s, Wp)), m.multiply(h, layer.pullBack(s, Wn)));
    return m.subtract(m.multiply(layer.x, layer.pullBack(s, layer.weights)), most);
  };
}
