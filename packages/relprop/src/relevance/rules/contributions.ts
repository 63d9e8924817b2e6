import type { Algebra, Term } from "../algebra.ts";
import type { Value } from "../../onnx/graph.ts";
import { modifiedBias, stabilizerOf, type LinearLayer, type Part, type RuleOptions } from "./rule.ts";

/** A pulled-back quotient Wᵀs and the x to multiply it with; without x it is the share itself. */
export interface Shared {
  readonly x: Term;
  readonly pulled: Term;
}

/**
 * Shares R among the contributions of one sign, those for the output or those against it:
 *
 *     for:      d = W⁺x⁺ + W⁻x⁻ + b⁺,   R_in = x⁺⊙W⁺ᵀs + x⁻⊙W⁻ᵀs
 *     against:  d = W⁻x⁺ + W⁺x⁻ + b⁻,   R_in = x⁺⊙W⁻ᵀs + x⁻⊙W⁺ᵀs,   s = R/S(d)
 *
 * With `split: "weights"` the sign is the weight's alone: d = W⁺x + b⁺, R_in = x⊙W⁺ᵀs, and W⁻, b⁻ against.
 * z⁺ and α-β use it through {@link inProportion}.
 */
export function shareContributions(
  layer: LinearLayer,
  R: Value,
  m: Algebra,
  speak: "for" | "against",
  options: RuleOptions,
): Shared[] {
  const parts = contributions(layer, m, speak, options);
  if (parts.length === 0) return [];
  const s = shareOut();
  return parts.map(([v, weights]) => ({
    x: options.input === "ones" ? undefined : v,
    pulled: layer.pullBack(s, weights),
  }));

  function shareOut(): Value {
    const stabilizer = stabilizerOf(options);
    const bias = modifiedBias(layer, options, ofSign(m, speak));
    if (speak === "against" && layer.fanIn >= many && complementsAreKnown(layer, m, options)) {
      const forIt = modifiedBias(layer, options, ofSign(m, "for"));
      return layer.shareOfRest(R, contributions(layer, m, "for", options), forIt, bias, stabilizer);
    }
    const bySign = options.split !== "weights";
    const isPositive =
      speak === "for" && (bySign || m.isNonNegative(layer.x)) && (!bias || m.isNonNegative(bias));
    if (isPositive) return layer.shareOfPositive(R, parts, bias, stabilizer);
    const sum = parts.reduce<Term>(
      (total, [v, weights], i) => m.add(total, layer.forward(v, weights, i === 0 ? bias : undefined)),
      undefined,
    );
    return layer.share(R, sum, bias, stabilizer);
  }
}

/** Σ x ⊙ pulled, with one product for each x. */
export function inProportion(m: Algebra, shares: readonly Shared[]): Term {
  const sums = new Map<string | undefined, Shared>();
  for (const { x, pulled } of shares) {
    sums.set(x?.name, { x, pulled: m.add(sums.get(x?.name)?.pulled, pulled) });
  }
  return [...sums.values()].reduce<Term>(
    (total, { x, pulled }) => m.add(total, x ? m.multiply(x, pulled) : pulled),
    undefined,
  );
}

/**
 * The least fan-in for which contributions against an output are computed as its value minus those for it. The difference
 * has the rounding of both, 1e-7 of their sum. With few inputs, all may be for the output, leaving only rounding.
 */
const many = 256;

const ofSign = (m: Algebra, speak: "for" | "against"): ((v: Term) => Term) =>
  speak === "for" ? (v) => m.positive(v) : (v) => m.negative(v);

/** The inputs and weights whose products have one sign. */
export function contributions(
  layer: LinearLayer,
  m: Algebra,
  speak: "for" | "against",
  options: RuleOptions = {},
): Part[] {
  const x = options.input === "ones" ? m.onesLike(layer.x) : layer.x;
  const W = layer.weights;
  const [same, opposite] = [ofSign(m, speak), ofSign(m, speak === "for" ? "against" : "for")];
  const all: Part[] =
    options.split === "weights"
      ? [[x, same(W)]]
      : [
          [m.positive(x), same(W)],
          [m.negative(x), opposite(W)],
        ];
  return all.filter(([v, weights]) => v && weights);
}

/** Whether the contributions against an output can be computed as its value minus those for it. */
export const complementsAreKnown = (layer: LinearLayer, m: Algebra, options: RuleOptions): boolean =>
  m.saves("complements") &&
  layer.isAsComputed &&
  options.input !== "ones" &&
  options.split !== "weights" &&
  options.bias !== false &&
  options.bias !== "whole";
