/**
 * The arithmetic that rules are written in. A {@link Term} is a value or zero: zero is a word of the language, never
 * a tensor, so that half of a signed rule vanishes from the graph where a tensor cannot be negative.
 */

import type { Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { filled } from "./ops/shapes.ts";

/** A value, or zero. */
export type Term = Value | undefined;

export class Algebra {
  readonly #b: GraphBuilder;
  readonly #nonNegative: Set<string>;

  /** @param nonNegative names of values that are known not to be negative */
  constructor(builder: GraphBuilder, nonNegative: Iterable<string>) {
    this.#b = builder;
    this.#nonNegative = new Set(nonNegative);
  }

  /** States that a value cannot be negative; {@link negative} and {@link stabilize} make use of it. */
  nonNegative<T extends Term>(term: T): T {
    if (term) this.#nonNegative.add(term.name);
    return term;
  }

  isNonNegative(value: Value): boolean {
    return this.#nonNegative.has(value.name);
  }

  /** v⁺ = max(v, 0) */
  positive(term: Term): Term {
    if (!term || this.isNonNegative(term)) return term;
    return this.nonNegative(this.#b.op("Relu", [term]));
  }

  /** v⁻ = min(v, 0) */
  negative(term: Term): Term {
    if (!term || this.isNonNegative(term)) return undefined;
    return this.#b.op("Min", [term, this.#b.scalar(0)]);
  }

  add(a: Term, b: Term): Term {
    return a && b ? this.#b.op("Add", [a, b]) : (a ?? b);
  }

  subtract(a: Term, b: Term): Term {
    if (!b) return a;
    return a ? this.#b.op("Sub", [a, b]) : this.#b.op("Neg", [b]);
  }

  multiply(a: Term, b: Term): Term {
    return a && b ? this.#b.op("Mul", [a, b]) : undefined;
  }

  scale(factor: number, term: Term): Term {
    if (factor === 0) return undefined;
    return factor === 1 || !term ? term : this.#b.op("Mul", [term, this.#b.scalar(factor)]);
  }

  square(term: Term): Term {
    return this.nonNegative(this.multiply(term, term));
  }

  /** S_ε(z) = z + ε·σ(z), where σ(0) = +1. */
  stabilize(z: Value, epsilon: number): Value {
    if (epsilon === 0) return z;
    if (this.isNonNegative(z)) return this.#b.op("Add", [z, this.#b.scalar(epsilon)]);
    return this.#b.op("Add", [z, this.whereNegative(z, this.#b.scalar(-epsilon), this.#b.scalar(epsilon))]);
  }

  divide(a: Value, b: Value): Value {
    return this.#b.op("Div", [a, b]);
  }

  /** R / S_ε(z). Where z = 0 and ε = 0 there is nothing to share and the quotient is taken as 0. */
  share(R: Value, z: Term, epsilon: number): Value {
    if (!z) return this.#b.op("Mul", [R, this.#b.scalar(0)]);
    const quotient = this.#b.op("Div", [R, this.stabilize(z, epsilon)]);
    if (epsilon !== 0) return quotient;
    const isZero = this.#b.op("Equal", [z, this.#b.scalar(0)]);
    return this.#b.op("Where", [isZero, this.#b.scalar(0), quotient]);
  }

  /** `value` where z < 0, `otherwise` elsewhere. */
  whereNegative(z: Value, value: Value, otherwise: Value): Value {
    return this.#b.op("Where", [this.#b.op("Less", [z, this.#b.scalar(0)]), value, otherwise]);
  }

  /** `value` where z > 0, `otherwise` elsewhere. */
  wherePositive(z: Value, value: Value, otherwise: Value): Value {
    return this.#b.op("Where", [this.#b.op("Greater", [z, this.#b.scalar(0)]), value, otherwise]);
  }

  scalar(number: number): Value {
    return this.#b.scalar(number);
  }

  /** A number, or one number for each channel, in a shape that broadcasts over x [N, C, …]. */
  perChannel(numbers: number | readonly number[], x: Value): Value {
    if (typeof numbers === "number") return this.#b.scalar(numbers);
    return this.#b.numbers(numbers, [numbers.length, ...x.shape.slice(2).map(() => 1)]);
  }

  /**
   * Ones in the shape of x but for one sample: it broadcasts over the batch, and is constant, with all that is
   * computed from it, where the size of x is fixed.
   */
  onesLike(x: Value): Value {
    return this.nonNegative(filled(this.#b, 1, [1, ...x.shape.slice(1)], x));
  }

  /** Ones in the very shape of the given weights. */
  onesOf(weights: Value): Value {
    return this.nonNegative(filled(this.#b, 1, weights.shape, weights));
  }

  /** 1 / (1 + exp(−βx)) */
  sigmoid(x: Value, beta: number): Value {
    return this.#b.op("Sigmoid", [this.#b.op("Mul", [x, this.#b.scalar(beta)])]);
  }
}
