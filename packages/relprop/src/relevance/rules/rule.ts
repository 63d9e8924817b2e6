/**
 * What a rule is: mathematics on one linear layer. A rule says how input, weights and denominator are modified; the
 * layer supplies its forward pass and its transpose.
 *
 *     R_in = Σ_k x_k ⊙ W_kᵀ( R / S(denominator) )
 *
 * Shapes: R and z as the layer's output, R_in and x as its input.
 */

import { OptionError } from "../../errors.ts";
import type { Value } from "../../onnx/graph.ts";
import {
  stabilizerKinds,
  type Algebra,
  type Stabilizer,
  type StabilizerKind,
  type Term,
} from "../algebra.ts";

/** W_k x_k of a sum: zero if one of them is. */
export type Part = readonly [x: Term, weights: Term];

/** A layer with weights, z = Wx + b, as a rule sees it. */
export interface LinearLayer {
  /** The input that relevance goes to: [N, C, …], or [N, features]. */
  readonly x: Value;
  /** W, as the operator takes it: [out, in, …] for convolutions. */
  readonly weights: Value;
  /** b; undefined where the layer has none. */
  readonly bias: Value | undefined;
  /** Wx + b as the layer computes it (recomputed where its strides are averages). */
  readonly z: () => Value;
  /** Whether z is the model's own, which costs nothing. */
  readonly isAsComputed: boolean;
  /** How many inputs an output is made of; 0 if that is not known. */
  readonly fanIn: number;
  /** Wx + b for modified x, W, b; zero where x or W is zero. */
  readonly forward: (x: Term, weights: Term, bias?: Term) => Term;
  /** R / S(z) for a z that holds `bias`: what falls to the bias and to ε is known to the ledger. */
  readonly share: (R: Value, z: Term, bias: Term, stabilizer: Stabilizer) => Value;
  /**
   * R / S(Σ_k W_k x_k + b) for parts and a bias that cannot be negative. Where the operator has a bias, an ε that is
   * added is part of it, and the stabiliser costs nothing.
   */
  readonly shareOfPositive: (R: Value, parts: readonly Part[], bias: Term, stabilizer: Stabilizer) => Value;
  /**
   * R / S(d) for d = z − (Σ_k W_k x_k + b) ≤ 0, what is left of z without its positive parts; `rest` is the bias in it.
   * It costs no convolution if `shareOfPositive` was asked for the same parts.
   */
  readonly shareOfRest: (
    R: Value,
    parts: readonly Part[],
    bias: Term,
    rest: Term,
    stabilizer: Stabilizer,
  ) => Value;
  /** Σ_k W_k x_k + b for parts and a bias that cannot be negative. */
  readonly sumOfPositive: (parts: readonly Part[], bias: Term) => Term;
  /** Wᵀs; zero where s or W is zero. */
  readonly pullBack: (s: Term, weights: Term) => Term;
}

/**
 * A rule for layers with weights: the relevance of the input from that of the output; `undefined` is zero.
 *
 * @example
 *     // R_in = W²ᵀ( R / S(W² 1) )
 *     const bySquares: LinearRule = (layer, R, m) => {
 *       const squares = m.square(layer.weights);
 *       const parts = [[m.onesLike(layer.x), squares]] as const;
 *       const s = layer.shareOfPositive(R, parts, undefined, { epsilon: 1e-6, kind: "add" });
 *       return layer.pullBack(s, squares);
 *     };
 */
export type LinearRule = (layer: LinearLayer, R: Value, m: Algebra) => Term;

/** What may be chosen about a rule. Everything is optional; each rule documents what it uses and its defaults. */
export interface RuleOptions {
  /** ε of the stabiliser S, in units of the denominator (of its root mean square for `norm` and `norm-clip`). */
  readonly epsilon?: number;
  /** How S keeps a denominator from 0; the formulas stand at stabilizerKinds. @default "add" */
  readonly stabilizer?: StabilizerKind;
  /** γ, how much more positive contributions count, for `gamma`; 0 is ε, ∞ is z⁺. */
  readonly gamma?: number;
  /** α, what positive contributions are multiplied by, for `alpha-beta`; α − β = 1. */
  readonly alpha?: number;
  /** β, what negative contributions are multiplied by, for `alpha-beta`. */
  readonly beta?: number;
  /** The smallest and largest value an input can have: a number, or one for each channel. */
  readonly low?: number | readonly number[];
  /** The largest value an input can have. */
  readonly high?: number | readonly number[];
  /**
   * The bias in denominators: false takes it as 0 ("zero-bias"), true has it modified as the rule modifies weights,
   * "whole" leaves it as it is beside modified weights. @default true
   */
  readonly bias?: boolean | "whole";
  /** "ones": the layer's input is taken as 1 everywhere, so that the result does not depend on it. */
  readonly input?: "x" | "ones";
  /**
   * What a rule tells apart by sign: "contributions" (input times weight), or "weights" alone, which is the same
   * where inputs cannot be negative, and cheaper. @default "contributions"
   */
  readonly split?: "contributions" | "weights";
}

/** ε where nothing else is said, as in zennit. */
export const defaultEpsilon = 1e-6;

/**
 * The stabiliser as the options have it.
 * @throws OptionError if ε is negative or the kind unknown
 */
export function stabilizerOf(options: RuleOptions): Stabilizer {
  const { epsilon = defaultEpsilon, stabilizer: kind = "add" } = options;
  if (!(epsilon >= 0 && epsilon < Infinity)) {
    throw new OptionError({
      what: `epsilon cannot be ${epsilon}`,
      why: "it must not be negative",
      fix: "0 is LRP-0, 1e-6 is usual",
    });
  }
  if (!stabilizerKinds.includes(kind)) {
    throw new OptionError({
      what: `stabilizer cannot be "${String(kind)}"`,
      why: `it is one of ${stabilizerKinds.join(", ")}`,
    });
  }
  return { epsilon, kind };
}

/** The bias as the options have it. */
export const biasOf = (layer: LinearLayer, options: RuleOptions): Term =>
  options.bias === false ? undefined : layer.bias;

/** The bias as the options have it, modified as the rule modifies weights unless it is to stay whole. */
export const modifiedBias = (layer: LinearLayer, options: RuleOptions, modify: (bias: Term) => Term): Term =>
  options.bias === "whole" ? layer.bias : modify(biasOf(layer, options));
