/**
 * The arithmetic that rules are written in. A {@link Term} is a value or zero: zero is a word of the language, never
 * a tensor, so that half of a signed rule vanishes from the graph where a tensor cannot be negative.
 */

import { OptionError } from "../errors.ts";
import { int, ints, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Economy } from "./economies.ts";
import { indicator } from "./ops/calculus.ts";
import { filled } from "./ops/shapes.ts";
import { Zeros, type Rectified } from "./zeros.ts";

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

/** Whether the stabiliser's size is taken from all of z. */
export const isRelative = (kind: StabilizerKind): boolean => kind === "norm" || kind === "norm-clip";

/** What is known of the model's values before relevance is computed. */
export interface Knowledge {
  /** Names of values that are known not to be negative. */
  readonly nonNegative: Iterable<string>;
  readonly rectified: Rectified;
  /** Savings that are left out. */
  readonly without: readonly Economy[];
}

const nothing: Knowledge = { nonNegative: [], rectified: new Map(), without: [] };

export class Algebra {
  readonly #b: GraphBuilder;
  readonly #nonNegative: Set<string>;
  readonly #zeros: Zeros;
  readonly #without: readonly Economy[];

  constructor(builder: GraphBuilder, { nonNegative, rectified, without }: Knowledge = nothing) {
    this.#b = builder;
    this.#nonNegative = new Set(nonNegative);
    this.#zeros = new Zeros(rectified);
    this.#without = without;
  }

  /** Whether a saving is to be made. */
  saves(economy: Economy): boolean {
    return !this.#without.includes(economy);
  }

  /** Whether R is known to be 0 wherever z is not positive: {@link Zeros}. */
  vanishesBelow(R: Value, z: Value): boolean {
    return this.saves("zeros") && this.#zeros.vanishesBelow(R, z);
  }

  /** States that `to`, made of `from`, is 0 wherever that is: a filter, a mask. */
  keepsZeros<T extends Term>(from: Value, to: T): T {
    if (to) this.#zeros.product(to, [from]);
    return to;
  }

  /**
   * States that elements were only moved: R, the relevance of y, came back to the x that y consists of. It vanishes with
   * x if R did with y.
   */
  movesZeros<T extends Term>(R: Value, y: Value, back: T, x: Value): T {
    if (back && this.#zeros.vanishes(R, y)) this.#zeros.product(back, [x]);
    return back;
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
    return term && !this.isNonNegative(term) ? this.atMost(term, 0) : undefined;
  }

  /** max(a, b); both are zero or none. */
  larger(a: Term, b: Term): Term {
    return a && b && this.#b.op("Max", [a, b]);
  }

  /** min(a, b); both are zero or none. */
  smaller(a: Term, b: Term): Term {
    return a && b && this.#b.op("Min", [a, b]);
  }

  /** min(v, bound) */
  atMost(v: Value, bound: number): Value {
    return this.#b.op("Min", [v, this.#b.scalar(bound)]);
  }

  add(a: Term, b: Term): Term {
    if (!a || !b) return a ?? b;
    const total = this.#b.op("Add", [a, b]);
    this.#zeros.sum(total, [a, b]);
    return total;
  }

  subtract(a: Term, b: Term): Term {
    if (!b) return a;
    return a ? this.#b.op("Sub", [a, b]) : this.#b.op("Neg", [b]);
  }

  multiply(a: Term, b: Term): Term {
    if (!a || !b) return undefined;
    const product = this.#b.op("Mul", [a, b]);
    this.#zeros.product(product, [a, b]);
    return product;
  }

  scale(factor: number, term: Term): Term {
    if (factor === 0) return undefined;
    return factor === 1 || !term ? term : this.multiply(term, this.#b.scalar(factor));
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
    if (isRelative(kind)) return this.#b.op("Add", [z, this.#b.op("Mul", [this.#sign(z, 1), signed(1)])]);
    return this.#b.op("Add", [z, this.#sign(z, epsilon)]);
  }

  /**
   * `size` with the sign of z, + for 0: a large multiple of z, cut off. On CPUs `Where` takes several times as long. A z
   * between −1e-30 and 0 counts as 0, and z + 1e-30 has no sum with `size` that is 0.
   */
  #sign(z: Value, size: number): Value {
    const open = this.#b.op("Add", [z, this.#b.scalar(1e-30)]);
    const large = this.#b.op("Mul", [open, this.#b.scalar(1e30)]);
    return this.#b.op("Clip", [large, this.#b.scalar(-size), this.#b.scalar(size)]);
  }

  /** 1 where z < 0, else 0. */
  #isNegative(z: Value): Value {
    return indicator(this.#b, this.#b.op("Less", [z, this.#b.scalar(0)]));
  }

  /** √(mean of z² over all axes but the batch), one number a sample, in a shape that broadcasts over z. */
  #rootMeanSquare(z: Value): Value {
    const axes = ints(z.shape.slice(1).map((_, i) => i + 1));
    const square = this.#b.op("Mul", [z, z]);
    return this.#b.op("Sqrt", [this.#b.op("ReduceMean", [square], { axes, keepdims: int(1) })]);
  }

  divide(a: Value, b: Value): Value {
    return this.keepsZeros(a, this.#b.op("Div", [a, b]));
  }

  /**
   * What R can be divided by in z's place: max(z, 0), if R is 0 wherever z is not positive. It needs no sign, and mostly
   * the model has computed it already. A size that is relative to z is that of all of z.
   */
  openPart(R: Value, z: Value, { kind }: Stabilizer): Value {
    return this.vanishesBelow(R, z) && !isRelative(kind) ? (this.positive(z) as Value) : z;
  }

  /** R / S(z). Where S(z) = 0 there is nothing to share and the quotient is taken as 0. */
  share(R: Value, z: Term, stabilizer: Stabilizer): Value {
    if (!z) return this.#b.op("Mul", [R, this.#b.scalar(0)]);
    const denominator = this.stabilize(z, stabilizer);
    const quotient = this.divide(R, denominator);
    // A size relative to z vanishes where all of z does; any other ε > 0 keeps the denominator from 0.
    if (stabilizer.epsilon !== 0 && !isRelative(stabilizer.kind)) return quotient;
    return this.keepsZeros(R, this.whereZero(denominator, this.#b.scalar(0), quotient));
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

  /** [z ≥ bound], as booleans. */
  isAtLeast(z: Value, bound: number): Value {
    return this.#b.op("GreaterOrEqual", [z, this.#b.scalar(bound)]);
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

  /** R where z > 0, else 0. */
  onlyPositive(R: Value, z: Value): Term {
    if (this.vanishesBelow(R, z)) return R;
    return this.multiply(R, indicator(this.#b, this.#b.op("Greater", [z, this.#b.scalar(0)])));
  }

  /** R where z < 0, else 0. */
  onlyNegative(R: Value, z: Value): Term {
    return this.vanishesBelow(R, z) ? undefined : this.multiply(R, this.#isNegative(z));
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
