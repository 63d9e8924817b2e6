/**
 * The arithmetic that rules are written in. A {@link Term} is a value or zero: zero is a word of the language, never
 * a tensor, so that half of a signed rule vanishes from the graph where a tensor cannot be negative.
 */

import { OptionError } from "../errors.ts";
import { int, ints, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { filled } from "./ops/shapes.ts";

/** A value, or zero. */
export type Term = Value | undefined;

/**
 * How a denominator z is kept away from 0, σ(z) being +1 for z ≥ 0 and −1 below:
 *
 * | kind        | S(z)                                                       |
 * |-------------|------------------------------------------------------------|
 * | `add`       | z + ε·σ(z)                                                 |
 * | `clip`      | σ(z)·max(│z│, ε)                                           |
 * | `norm`      | z + ε·‖z‖·σ(z), ‖z‖ the root mean square of z in a sample  |
 * | `norm-clip` | σ(z)·max(│z│, ε·‖z‖)                                       |
 * | `unsigned`  | z + ε                                                      |
 * | `zero`      | ε where z = 0, else z                                      |
 *
 * The first four are zennit's `Stabilizer`, `unsigned` is LXT's, `zero` iNNvestigate's.
 */
export const stabilizerKinds = ["add", "clip", "norm", "norm-clip", "unsigned", "zero"] as const;
export type StabilizerKind = (typeof stabilizerKinds)[number];

/** What is done about small denominators; ε = 0 leaves them as they are, whatever the kind. */
export interface Stabilizer {
  readonly epsilon: number;
  readonly kind: StabilizerKind;
}

const isRelative = (kind: StabilizerKind): boolean => kind === "norm" || kind === "norm-clip";

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

  /** S(z); see {@link stabilizerKinds}. */
  stabilize(z: Value, { epsilon, kind }: Stabilizer): Value {
    if (epsilon === 0) return z;
    // σ times ε, or times ε‖z‖.
    const signed = (sign: 1 | -1): Value => {
      const size = this.#b.scalar(sign * epsilon);
      return isRelative(kind) ? this.#b.op("Mul", [this.#rootMeanSquare(z), size]) : size;
    };
    if (kind === "zero") return this.whereZero(z, signed(1), z);
    const isPositive = kind === "unsigned" || this.isNonNegative(z);
    if (kind === "clip" || kind === "norm-clip") {
      const atLeast = this.#b.op("Max", [z, signed(1)]);
      return isPositive ? atLeast : this.whereNegative(z, this.#b.op("Min", [z, signed(-1)]), atLeast);
    }
    if (isPositive) return this.#b.op("Add", [z, signed(1)]);
    return this.#b.op("Add", [z, this.whereNegative(z, signed(-1), signed(1))]);
  }

  /** √(mean of z² over all axes but the batch), one number a sample, in a shape that broadcasts over z. */
  #rootMeanSquare(z: Value): Value {
    const axes = ints(z.shape.slice(1).map((_, i) => i + 1));
    const square = this.#b.op("Mul", [z, z]);
    return this.#b.op("Sqrt", [this.#b.op("ReduceMean", [square], { axes, keepdims: int(1) })]);
  }

  divide(a: Value, b: Value): Value {
    return this.#b.op("Div", [a, b]);
  }

  /** R / S(z). Where S(z) = 0 there is nothing to share and the quotient is taken as 0. */
  share(R: Value, z: Term, stabilizer: Stabilizer): Value {
    if (!z) return this.#b.op("Mul", [R, this.#b.scalar(0)]);
    const denominator = this.stabilize(z, stabilizer);
    const quotient = this.#b.op("Div", [R, denominator]);
    // A size relative to z vanishes where all of z does; any other ε > 0 keeps the denominator from 0.
    if (stabilizer.epsilon !== 0 && !isRelative(stabilizer.kind)) return quotient;
    return this.whereZero(denominator, this.#b.scalar(0), quotient);
  }

  /** What S adds to z: S(z) − z. */
  stabiliser(z: Value, stabilizer: Stabilizer): Term {
    if (stabilizer.epsilon === 0) return undefined;
    return this.#b.op("Sub", [this.stabilize(z, stabilizer), z]);
  }

  /** [z = 0], as booleans. */
  isZero(z: Value): Value {
    return this.#b.op("Equal", [z, this.#b.scalar(0)]);
  }

  /** [z = ±∞], as booleans. */
  isInfinite(z: Value): Value {
    return this.#b.op("IsInf", [z]);
  }

  /** v, and 0 where it is ±∞. */
  finite(v: Value): Value {
    return this.#b.op("Where", [this.isInfinite(v), this.#b.scalar(0), v]);
  }

  /** [a or b], of booleans. */
  either(a: Value, b: Value): Value {
    return this.#b.op("Or", [a, b]);
  }

  /** [z ≤ bound], as booleans. */
  isAtMost(z: Value, bound: number): Value {
    return this.#b.op("LessOrEqual", [z, this.#b.scalar(bound)]);
  }

  /** `value` where z = 0, `otherwise` elsewhere. */
  whereZero(z: Value, value: Value, otherwise: Value): Value {
    return this.#b.op("Where", [this.isZero(z), value, otherwise]);
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

  /**
   * A number, or one number for each channel, in a shape that broadcasts over x [N, C, …].
   * @throws OptionError unless there is one for each channel
   */
  perChannel(numbers: number | readonly number[], x: Value): Value {
    if (typeof numbers === "number") return this.#b.scalar(numbers);
    const channels = x.shape[1];
    if (typeof channels === "number" && channels !== numbers.length) {
      throw new OptionError({
        what: `cannot use ${numbers.length} bounds`,
        where: `${x.name} [${x.shape.join(", ")}]`,
        why: `it has ${channels} channels`,
        fix: `give one number, or ${channels}`,
      });
    }
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
