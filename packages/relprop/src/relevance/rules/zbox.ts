import { OptionError } from "../../errors.ts";
import { sure } from "../../sure.ts";
import { stabilizerOf, type LinearRule, type RuleOptions } from "./rule.ts";

/**
 * z-box (zᴮ): for the first layer, where inputs lie between known bounds l and h.
 *
 *     den  = Wx − W⁺l − W⁻h
 *     R_in = x⊙Wᵀs − l⊙W⁺ᵀs − h⊙W⁻ᵀs,   s = R/S(den)
 *
 * Options: `low`, `high` (required: a number, or one for each channel), `epsilon` (1e-6), `stabilizer`. Padding contributes 0.
 * Montavon et al. 2017.
 * @throws OptionError if a bound is missing, or low is not below high
 *
 * @example
 *     compile(model, { composite: { extends: "epsilon-plus", rules: { first: { rule: "zbox", low: [-2.1, -2, -1.8], high: [2.2, 2.4, 2.6] } } } });
 */
export function zbox(options: RuleOptions = {}): LinearRule {
  const { low, high } = options;
  const stabilizer = stabilizerOf(options);
  if (low === undefined || high === undefined) {
    throw new OptionError({
      what: "cannot use the rule zbox",
      why: "it needs the smallest and the largest value that an input can have",
      fix: "give --low and --high, as the network sees them after preprocessing",
    });
  }
  refuseBounds([low].flat(), [high].flat());
  return (layer, R, m) => {
    // An input outside its bounds can make the denominator negative.
    const ones = m.onesLike(layer.x);
    const l = m.multiply(ones, m.perChannel(low, layer.x));
    const h = m.multiply(ones, m.perChannel(high, layer.x));
    const [Wp, Wn] = [m.positive(layer.weights), m.negative(layer.weights)];
    const bounds = m.add(layer.forward(l, Wp), layer.forward(h, Wn));
    const den = m.subtract(layer.forward(layer.x, layer.weights), bounds);
    const s = layer.share(R, den, undefined, stabilizer);
    const most = m.add(m.multiply(l, layer.pullBack(s, Wp)), m.multiply(h, layer.pullBack(s, Wn)));
    return m.subtract(m.multiply(layer.x, layer.pullBack(s, layer.weights)), most);
  };
}

const at = (bounds: readonly number[], channel: number): number => sure(bounds[channel % bounds.length]);

function refuseBounds(low: readonly number[], high: readonly number[]): void {
  const channels = Math.max(low.length, high.length);
  const fits = (bounds: readonly number[]): boolean => bounds.length === 1 || bounds.length === channels;
  const isBelow = Array.from({ length: channels }, (_, c) => at(low, c) < at(high, c)).every(Boolean);
  if (fits(low) && fits(high) && isBelow) return;
  throw new OptionError({
    what: "cannot use the rule zbox",
    where: `low ${low.join(", ")}, high ${high.join(", ")}`,
    why: "low must lie below high in every channel",
    fix: "give one number, or one for each channel, as the network sees them after preprocessing",
  });
}
