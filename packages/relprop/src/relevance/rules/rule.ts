/**
 * Rules for linear layers. A rule modifies input, weights and denominator; the layer supplies its forward pass and its
 * transpose.
 *
 *     R_in = Σ_k x_k ⊙ W_kᵀ( R / S(denominator) )
 *
 * Shapes: R and z as the layer's output, R_in and x as its input.
 */

import { OptionError } from "../../errors.ts";
import type { Value } from "../../onnx/graph.ts";
import { type Algebra, type Term } from "../algebra.ts";
import { stabilizerKinds, type Stabilizer, type StabilizerKind } from "../stabilizer.ts";

/** A part W_k x_k of a sum; zero if W_k or x_k is. */
export type Part = readonly [x: Term, weights: Term];

/** A layer with weights, z = Wx + b, as a rule sees it. */
export interface LinearLayer {
  /** The input that relevance goes to: [N, C, …], or [N, features]. */
  readonly x: Value;
  /** W, as the operator takes it: [out, in, …] for convolutions. */
  readonly weights: Value;
  /** b; undefined where the layer has none. */
  readonly bias: Value | undefined;
  /** Wx + b as the layer computes it, or recomputed with averaged strides. */
  readonly z: () => Value;
  /** Whether z is the model's own output, which costs nothing. */
  readonly isAsComputed: boolean;
  /** The fan-in of an output; 0 if unknown. */
  readonly fanIn: number;
  /** Wx + b for modified x, W, b; zero where x or W is zero. */
  readonly forward: (x: Term, weights: Term, bias?: Term) => Term;
  /** R / S(z) for a z that contains `bias`. The ledger records the shares of the bias and of ε. */
  readonly share: (R: Value, z: Term, bias: Term, stabilizer: Stabilizer) => Value;
  /**
   * R / S(Σ_k W_k x_k + b) for parts and a bias that cannot be negative. An operator with a bias adds ε to the bias, so the
   * stabilizer costs nothing.
   */
  readonly shareOfPositive: (R: Value, parts: readonly Part[], bias: Term, stabilizer: Stabilizer) => Value;
  /**
   * R / S(d) for d = z − (Σ_k W_k x_k + b) ≤ 0: z without its positive parts. `rest` is the bias in d. It costs no
   * convolution after `shareOfPositive` with the same parts.
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

/** Options of rules. All are optional. Each rule documents its options and their defaults. */
export interface RuleOptions {
  /** ε of the stabiliser S, in units of the denominator (of its root mean square for `norm` and `norm-clip`). */
  readonly epsilon?: number;
  /** How S keeps a denominator from 0. The formulas are at stabilizerKinds. @default "add" */
  readonly stabilizer?: StabilizerKind;
  /** γ, the extra weight of positive contributions, for `gamma`; 0 is ε, ∞ is z⁺. */
  readonly gamma?: number;
  /** α, the factor of positive contributions, for `alpha-beta`; α − β = 1. */
  readonly alpha?: number;
  /** β, the factor of negative contributions, for `alpha-beta`. */
  readonly beta?: number;
  /** The smallest and largest value an input can have: a number, or one for each channel. */
  readonly low?: number | readonly number[];
  /** The largest value an input can have. */
  readonly high?: number | readonly number[];
  /**
   * The bias in denominators: false drops it ("zero-bias"), true modifies it as the rule modifies weights, "whole" keeps it
   * unmodified. @default true
   */
  readonly bias?: boolean | "whole";
  /** "ones" replaces the layer's input by 1, so the result does not depend on it. */
  readonly input?: "x" | "ones";
  /**
   * Whether a rule splits by the sign of "contributions" (input times weight) or of "weights", which is cheaper, and the same
   * if inputs cannot be negative. @default "contributions"
   */
  readonly split?: "contributions" | "weights";
}

/** The default ε, as in zennit. */
export const defaultEpsilon = 1e-6;

/**
 * The stabilizer of the options.
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

/** The bias of the options. */
export const biasOf = (layer: LinearLayer, options: RuleOptions): Term =>
  options.bias === false ? undefined : layer.bias;

/** The bias of the options, modified as the rule modifies weights unless it is "whole". */
export const modifiedBias = (layer: LinearLayer, options: RuleOptions, modify: (bias: Term) => Term): Term =>
  options.bias === "whole" ? layer.bias : modify(biasOf(layer, options));
