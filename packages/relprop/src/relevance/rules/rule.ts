/**
 * What a rule is: mathematics on one linear layer. A rule says how input, weights and denominator are modified; the
 * layer supplies its forward pass and its transpose.
 *
 *     R_in = Σ_k x_k ⊙ W_kᵀ( R / S(denominator) )
 *
 * Shapes: R and z as the layer's output, R_in and x as its input.
 */

import type { Value } from "../../onnx/graph.ts";
import type { Algebra, Term } from "../algebra.ts";

export interface LinearLayer {
  readonly x: Value;
  readonly weights: Value;
  readonly bias: Value | undefined;
  /** Wx + b as the layer computes it (recomputed where its strides are averages). */
  readonly z: () => Value;
  /** Wx + b for modified x, W, b; zero where x or W is zero. */
  readonly forward: (x: Term, weights: Term, bias?: Term) => Term;
  /**
   * R / (Σ_k W_k x_k + b + ε) for parts and a bias that cannot be negative. Where the operator has a bias, ε is part of
   * it, and the stabiliser costs nothing.
   */
  readonly shareOfPositive: (
    R: Value,
    parts: readonly (readonly [x: Term, weights: Term])[],
    bias: Term,
    epsilon: number,
  ) => Value;
  /** Wᵀs; zero where W is zero. */
  readonly pullBack: (s: Value, weights: Term) => Term;
}

export type LinearRule = (layer: LinearLayer, R: Value, m: Algebra) => Term;

/** What may be chosen about a rule. Everything is optional; each rule documents what it uses and its defaults. */
export interface RuleOptions {
  /** ε of the stabiliser S_ε. */
  readonly epsilon?: number;
  readonly gamma?: number;
  readonly alpha?: number;
  readonly beta?: number;
  /** The smallest and largest value an input can have: a number, or one for each channel. */
  readonly low?: number | readonly number[];
  readonly high?: number | readonly number[];
  /** False takes the bias as 0 in denominators ("zero-bias"). */
  readonly bias?: boolean;
  /** "ones": the layer's input is taken as 1 everywhere, so that the result does not depend on it. */
  readonly input?: "x" | "ones";
}

/** ε where nothing else is said, as in zennit. */
export const defaultEpsilon = 1e-6;

/** The bias as the options have it. */
export const biasOf = (layer: LinearLayer, options: RuleOptions): Term =>
  options.bias === false ? undefined : layer.bias;
