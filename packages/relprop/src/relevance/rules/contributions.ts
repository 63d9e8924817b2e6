import type { Algebra, Term } from "../algebra.ts";
import type { Value } from "../../onnx/graph.ts";
import { modifiedBias, stabilizerOf, type LinearLayer, type RuleOptions } from "./rule.ts";

/**
 * Shares R among the contributions of one sign, those that speak for the output or those that speak against it:
 *
 *     for:      d = W⁺x⁺ + W⁻x⁻ + b⁺,   R_in = x⁺⊙W⁺ᵀs + x⁻⊙W⁻ᵀs
 *     against:  d = W⁻x⁺ + W⁺x⁻ + b⁻,   R_in = x⁺⊙W⁻ᵀs + x⁻⊙W⁺ᵀs,   s = R/S(d)
 *
 * With `split: "weights"` the sign is the weight's alone: d = W⁺x + b⁺, R_in = x⊙W⁺ᵀs, and W⁻, b⁻ against.
 * z⁺ and α-β are made of it.
 */
export function shareContributions(
  layer: LinearLayer,
  R: Value,
  m: Algebra,
  speak: "for" | "against",
  options: RuleOptions,
): Term {
  const x = options.input === "ones" ? m.onesLike(layer.x) : layer.x;
  const W = layer.weights;
  const [same, opposite]: ((v: Term) => Term)[] =
    speak === "for"
      ? [(v) => m.positive(v), (v) => m.negative(v)]
      : [(v) => m.negative(v), (v) => m.positive(v)];
  const bySign = options.split !== "weights";
  const all = bySign
    ? [[m.positive(x), same!(W)] as const, [m.negative(x), opposite!(W)] as const]
    : [[x, same!(W)] as const];
  const parts = all.filter(([v, weights]) => v && weights);
  if (parts.length === 0) return undefined;
  const bias = modifiedBias(layer, options, same!);
  const isPositive = speak === "for" && (bySign || m.isNonNegative(x)) && (!bias || m.isNonNegative(bias));
  const stabilizer = stabilizerOf(options);
  const s = isPositive
    ? layer.shareOfPositive(R, parts, bias, stabilizer)
    : layer.share(R, sum(), bias, stabilizer);
  return parts.reduce<Term>((total, [v, weights]) => {
    const pulled = layer.pullBack(s, weights);
    return m.add(total, options.input === "ones" ? pulled : m.multiply(v, pulled));
  }, undefined);

  function sum(): Term {
    return parts.reduce<Term>(
      (total, [v, weights], i) => m.add(total, layer.forward(v, weights, i === 0 ? bias : undefined)),
      undefined,
    );
  }
}
