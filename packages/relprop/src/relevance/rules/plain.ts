/**
 * Rules for operators without weights. `pullBack(s)` is the transpose of the operator's Jacobian; y its output.
 */

import type { Value } from "../../onnx/graph.ts";
import type { Algebra, Stabilizer, Term } from "../algebra.ts";
import { stabilizerOf, type RuleOptions } from "./rule.ts";

export interface PlainLayer {
  /** The input that relevance goes to. */
  readonly x: Value;
  readonly y: Value;
  readonly pullBack: (s: Value) => Value;
  /** R / S(y) */
  readonly share: (R: Value, stabilizer: Stabilizer) => Value;
  /** True if x opens and closes the other factor of a product. */
  readonly isGate: boolean;
  /** Relevance in y's shape, summed over the axes along which x was broadcast. */
  readonly collect: (R: Value) => Value;
  /** A copy in the full shape of x, if the transpose gave something that only broadcasts to it. */
  readonly whole: (v: Value) => Value;
}

export type PlainRule = (layer: PlainLayer, R: Value, m: Algebra) => Term;

/** `R_in = x ⊙ Jᵀ( R / S(y) )`: in proportion to the parts of a sum or an average. Options: `epsilon` (1e-6), `stabilizer`. */
export function norm(options: RuleOptions = {}): PlainRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => m.multiply(layer.x, layer.pullBack(layer.share(R, stabilizer)));
}

/** `R_in = R` */
export const pass = (): PlainRule => (_layer, R) => R;

/** `R_in = JᵀR`: the gradient; for operators that only move elements, and for the maximum, also what LRP does. */
export const plainGradient = (): PlainRule => (layer, R) => layer.whole(layer.pullBack(R));

/** On a product of signal and gate: everything to the signal, nothing to the gate, which is taken as constant. Arras et al. 2017. */
export const signal = (): PlainRule => (layer, R) => (layer.isGate ? undefined : layer.collect(R));

/** On a product: half to each factor. Achtibat et al. 2024, proposition 3.2. */
export const uniform = (): PlainRule => (layer, R, m) => m.scale(0.5, layer.collect(R));

/** `R_in = R⁺`, on activations. Zeiler & Fergus 2014. */
export const deconvnet = (): PlainRule => (_layer, R, m) => m.positive(R);

/** `R_in = f′(x) ⊙ R ⊙ [R > 0]`, on activations. Springenberg et al. 2015. */
export const guidedBackprop = (): PlainRule => (layer, R, m) => {
  const positive = m.positive(R);
  return positive && layer.pullBack(positive);
};

/** `R_in = R ⊙ σ(βx)`, on activations: the gradient of a softplus in ReLU's place. Option: `beta` (10). Dombrowski et al. 2019. */
export const betaSmooth =
  (options: RuleOptions = {}): PlainRule =>
  (layer, R, m) =>
    m.multiply(R, m.sigmoid(layer.x, options.beta ?? 10));
