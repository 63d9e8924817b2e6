/**
 * Rules for operators without weights; x is the input that relevance goes to, y the output, J = ∂y/∂x.
 */

import type { Value } from "../../onnx/graph.ts";
import type { Algebra, Term } from "../algebra.ts";
import type { Stabilizer } from "../stabilizer.ts";
import { stabilizerOf, type RuleOptions } from "./rule.ts";

/** An operator without weights, y = f(x, …), as a rule sees it. */
export interface PlainLayer {
  /** The input that gets relevance. */
  readonly x: Value;
  /** The output that relevance comes from. */
  readonly y: Value;
  /** Jᵀs for the true Jacobian J. */
  readonly gradient: (s: Value) => Value;
  /**
   * Jᵀ( R / S(n·y) ), with statistics of the input held constant in J: the share of an input, divided by n if each of n
   * inputs contributes the whole output.
   */
  readonly pullBackShare: (R: Value, stabilizer: Stabilizer, n?: number) => Value;
  /** True if x is the gate of the other factor, or its divisor. */
  readonly isGate: boolean;
  /** Whether y is elementwise in x, apart from broadcasting. */
  readonly isElementwise: boolean;
  /** The number of inputs that depend on the model's: the factors that share a product. */
  readonly factors: number;
  /** Relevance in y's shape, summed over the axes along which x was broadcast. */
  readonly collect: (R: Value) => Value;
  /** Expands a transpose that only broadcasts to x to the full shape of x. */
  readonly whole: (v: Value) => Value;
}

/**
 * A rule for operators without weights: the relevance of one input from that of the output; `undefined` is zero.
 *
 * @example
 *     // An activation passes only positive relevance: R_in = R⁺
 *     const onlyFor: PlainRule = (_layer, R, m) => m.positive(R);
 */
export type PlainRule = (layer: PlainLayer, R: Value, m: Algebra) => Term;

/**
 * `R_in = x ⊙ Jᵀ( R / S(y) )`: in proportion to the parts of a sum or an average. On a softmax this is proposition 3.1
 * of AttnLRP, on normalisations proposition 3.4 (Achtibat et al. 2024). Options: `epsilon` (1e-6), `stabilizer`.
 */
export function norm(options: RuleOptions = {}): PlainRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => m.multiply(layer.x, layer.pullBackShare(R, stabilizer));
}

/** `R_in = R` */
export const pass = (): PlainRule => (_layer, R) => R;

/** `R_in = JᵀR`: the gradient. LRP uses it for maxima and for operators that only move elements. */
export const plainGradient = (): PlainRule => (layer, R) => layer.whole(layer.gradient(R));

/** `R_in = 0`: the output is taken as constant. CP-LRP's attention weights: Ali et al. 2022. */
export const constant = (): PlainRule => () => undefined;

/**
 * For a product of signal and gate: all relevance goes to the signal, and the gate counts as constant. Arras et al. 2017. On a matrix product the signal's rows share by `norm`. Options: `epsilon` (1e-6), `stabilizer`.
 */
export function signal(options: RuleOptions = {}): PlainRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => (layer.isGate && layer.factors > 1 ? undefined : part(layer, R, m, stabilizer, 1));
}

/**
 * On a product: half to each factor; on a matrix product `R_A = A ⊙ ( R / S(2y) )Bᵀ` (propositions 3.2 and 3.3 of
 * AttnLRP, Achtibat et al. 2024). Options: `epsilon` (1e-6), `stabilizer`.
 */
export function uniform(options: RuleOptions = {}): PlainRule {
  const stabilizer = stabilizerOf(options);
  return (layer, R, m) => part(layer, R, m, stabilizer, layer.factors);
}

/** The share of one of n factors of a product, if all are equal. */
function part(layer: PlainLayer, R: Value, m: Algebra, stabilizer: Stabilizer, n: number): Term {
  if (layer.isElementwise) return m.scale(1 / n, layer.collect(R));
  return m.multiply(layer.x, layer.pullBackShare(R, stabilizer, n));
}

/** `R_in = R⁺`, on ReLUs. Zeiler & Fergus 2014. */
export const deconvnet = (): PlainRule => (_layer, R, m) => m.positive(R);

/** `R_in = f′(x) ⊙ R ⊙ [R > 0]`, on ReLUs. Springenberg et al. 2015. */
export const guidedBackprop = (): PlainRule => (layer, R, m) => {
  const positive = m.positive(R);
  return positive && layer.gradient(positive);
};

/** `R_in = R ⊙ σ(βx)`, on ReLUs: the gradient of a softplus in ReLU's place. Option: `beta` (10). Dombrowski et al. 2019. */
export const betaSmooth =
  (options: RuleOptions = {}): PlainRule =>
  (layer, R, m) =>
    m.multiply(R, m.sigmoid(layer.x, options.beta ?? 10));
