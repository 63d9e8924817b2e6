/**
 * The arithmetic of rules. A {@link Term} is a value or zero. Zero is `undefined`, never a tensor, so half of a signed rule
 * vanishes from the graph if a tensor cannot be negative.
 */

import { OptionError } from "../errors.ts";
import { int, ints, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Optimization } from "./optimizations.ts";
import { Factors, type Multiple } from "./factors.ts";
import { indicator } from "./ops/calculus.ts";
import { filled, sameShape } from "./ops/shapes.ts";
import { isRelative, type Stabilizer } from "./stabilizer.ts";
import { Zeros, type Rectified } from "./zeros.ts";

/** A value, or zero. */
export type Term = Value | undefined;

/** Relevance R of a value y that holds moved elements of x. */
export interface Moving {
  readonly R: Value;
  readonly y: Value;
}

/** Facts about the model's values. */
export interface Knowledge {
  /** Names of values that cannot be negative. */
  readonly nonNegative: Iterable<string>;
  readonly rectified: Rectified;
  /** Names of the values that relevance crosses. */
  readonly ahead: Iterable<string>;
  /** Optimizations that are turned off. */
  readonly without: readonly Optimization[];
}

/** Whether it keeps every denominator from 0. A relative one vanishes if all of z is 0. */
const isSafe = ({ epsilon, kind }: Stabilizer): boolean => epsilon !== 0 && !isRelative(kind);

const nothing: Knowledge = { nonNegative: [], rectified: new Map(), ahead: [], without: [] };

/**
 * Adds arithmetic to the graph. A product with zero is zero, a sum with zero is its other summand, and the negative part
 * of a value that cannot be negative is zero.
 *
 * @example
 *     const size = m.subtract(m.positive(v), m.negative(v)); // │v│; just v if it cannot be negative
 */
export class Algebra {
  readonly #b: GraphBuilder;
  readonly #nonNegative: Set<string>;
  readonly #zeros: Zeros;
  readonly #factors = new Factors();
  readonly #without: readonly Optimization[];

  constructor(builder: GraphBuilder, { nonNegative, rectified, ahead, without }: Knowledge = nothing) {
    this.#b = builder;
    this.#nonNegative = new Set(nonNegative);
    this.#zeros = new Zeros(rectified, ahead);
    this.#without = without;
  }

  /** Whether an optimization is turned on. */
  saves(optimization: Optimization): boolean {
    return !this.#without.includes(optimization);
  }

  /** Whether R is known to be 0 wherever z is not positive. */
  vanishesBelow(R: Value, z: Value): boolean {
    return this.saves("zeros") && this.#zeros.vanishesBelow(R, z);
  }

  /** States that `to`, computed from `from`, is 0 wherever that is, as after a filter or mask. */
  keepsZeros<T extends Term>(from: Value, to: T): T {
    if (to) this.#zeros.product(to, [from]);
    return to;
  }

  /** States that relevance has crossed a value of the model, from the output on. */
  crossed(name: string): void {
    this.#zeros.crossed(name);
  }

  /** Whether R is known to be 0 wherever v is. */
  vanishes(R: Value, v: Value): boolean {
    return this.saves("zeros") && this.#zeros.vanishes(R, v);
  }

  /** States that `substitute` equals x except where relevance is 0. */
  standsFor(substitute: Value, x: Value): Value {
    this.#factors.standsFor(substitute, x);
    return substitute;
  }

  /**
   * Relevance of an x whose elements only moved, to one value y or several. It vanishes with x if it vanishes with each y.
   * If all elements of x are in y and the relevance is y ⊙ c, the relevance of x is x ⊙ move(c).
   * @param move maps the relevance of each y to that of x
   * @param isWhole whether every element of x is in a y
   */
  moved(
    arriving: readonly Moving[],
    x: Value,
    move: (relevance: readonly Value[]) => Term,
    isWhole: boolean,
  ): Term {
    const cofactors = arriving.flatMap(({ R, y }) => this.#wholeCofactor(R, y, x) ?? []);
    if (isWhole && cofactors.length === arriving.length) return this.multiply(x, move(cofactors));
    const back = move(arriving.map(({ R }) => R));
    if (back && arriving.every(({ R, y }) => this.#zeros.vanishes(R, y))) this.#zeros.product(back, [x]);
    return back;
  }

  /** The c of R = y ⊙ c, if it can be moved like y to an x of the same type. */
  #wholeCofactor(R: Value, y: Value, x: Value): Value | undefined {
    const multiple = this.#multipleOf(R, y);
    // A substitute for y is not one for x.
    if (multiple?.of.name !== y.name || x.dataType !== y.dataType) return undefined;
    return sameShape(multiple.by.shape, y.shape) ? multiple.by : undefined;
  }

  #multipleOf(R: Value, x: Value): Multiple | undefined {
    return this.saves("factors") ? this.#factors.of(R, x) : undefined;
  }

  /** States that a value cannot be negative; {@link negative} and {@link stabilize} make use of it. */
  nonNegative<T extends Term>(term: T): T {
    if (term) this.#nonNegative.add(term.name);
    return term;
  }

  /** Whether a value is known not to be negative: an output of ReLU, a square, what {@link nonNegative} was told. */
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

  /** max(a, b). Either both are zero or neither. */
  larger(a: Term, b: Term): Term {
    return a && b && this.#b.op("Max", [a, b]);
  }

  /** min(a, b). Either both are zero or neither. */
  smaller(a: Term, b: Term): Term {
    return a && b && this.#b.op("Min", [a, b]);
  }

  /** min(v, bound) */
  atMost(v: Value, bound: number): Value {
    return this.#b.op("Min", [v, this.#b.scalar(bound)]);
  }

  /** a + b, which broadcast; zero if both are. */
  add(a: Term, b: Term): Term {
    if (!a || !b) return a ?? b;
    const shared = this.saves("factors") && this.#factors.shared(a, b);
    if (shared) return this.multiply(shared[0].of, this.add(shared[0].by, shared[1].by));
    const total = this.#b.op("Add", [a, b]);
    this.#zeros.sum(total, [a, b]);
    return total;
  }

  /** a − b, which broadcast; zero if both are. */
  subtract(a: Term, b: Term): Term {
    if (!b) return a;
    return a ? this.#b.op("Sub", [a, b]) : this.#b.op("Neg", [b]);
  }

  /** a ⊙ b, which broadcast; zero if one of them is. */
  multiply(a: Term, b: Term): Term {
    return a && b && this.#product(a, b);
  }

  #product(a: Value, b: Value): Value {
    const product = this.#b.op("Mul", [a, b]);
    this.#zeros.product(product, [a, b]);
    this.#factors.product(product, a, b);
    return product;
  }

  /** factor · v; zero for the factor 0. */
  scale(factor: number, term: Term): Term {
    return factor === 0 || !term ? undefined : this.#times(factor, term);
  }

  #times(factor: number, v: Value): Value {
    if (factor === 1) return v;
    const product = this.#product(v, this.#b.scalar(factor));
    return factor > 0 && this.isNonNegative(v) ? this.nonNegative(product) : product;
  }

  /** v ⊙ v, known not to be negative. */
  square(term: Term): Term {
    return this.nonNegative(this.multiply(term, term));
  }

  /**
   * S(z); see {@link stabilizerKinds}.
   * @param axes those that ‖z‖ is taken over, by default all but the first
   */
  stabilize(z: Value, stabilizer: Stabilizer, axes?: readonly number[]): Value {
    if (stabilizer.epsilon === 0) return z;
    return this.#b.within("stabilize", () => this.#stabilized(z, stabilizer, axes));
  }

  #stabilized(z: Value, { epsilon, kind }: Stabilizer, axes: readonly number[] | undefined): Value {
    // σ times ε, or times ε‖z‖.
    const signed = (sign: 1 | -1): Value => {
      const size = this.#b.scalar(sign * epsilon);
      return isRelative(kind) ? this.#b.op("Mul", [this.#rootMeanSquare(z, axes), size]) : size;
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
   * `size` with the sign of z, + for 0: a large multiple of z, clipped. On CPUs `Where` takes several times as long. A z
   * between −1e-30 and 0 counts as 0, so that the sum of z and the result is never 0.
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

  /** √(mean of z² over the axes, by default all but the batch), in a shape that broadcasts over z. */
  #rootMeanSquare(z: Value, axes: readonly number[] = z.shape.slice(1).map((_, i) => i + 1)): Value {
    const square = this.#b.op("Mul", [z, z]);
    return this.#b.op("Sqrt", [this.#b.op("ReduceMean", [square], { axes: ints(axes), keepdims: int(1) })]);
  }

  /** a / b, not guarded against b = 0: {@link share} is. */
  divide(a: Value, b: Value): Value {
    return this.keepsZeros(a, this.#b.op("Div", [a, b]));
  }

  /**
   * The denominator in place of z: max(z, 0), if R is 0 wherever z is not positive. It needs no sign, and the model has
   * usually computed it. Stabilizers relative to z need all of z.
   */
  openPart(R: Value, z: Value, { kind }: Stabilizer): Value {
    return (this.vanishesBelow(R, z) && !isRelative(kind) && this.positive(z)) || z;
  }

  /** R / S(n·z), and 0 where S(n·z) = 0. */
  share(R: Value, z: Term, stabilizer: Stabilizer, n = 1): Value {
    if (!z) return this.#b.op("Mul", [R, this.#b.scalar(0)]);
    const multiple = this.#multipleOf(R, z);
    const cofactor = multiple && this.#shareOfMultiple(multiple, z, stabilizer, n);
    if (cofactor) return this.keepsZeros(R, cofactor);
    const denominator = this.stabilize(this.#times(n, z), stabilizer);
    const quotient = this.divide(R, denominator);
    if (isSafe(stabilizer)) return quotient;
    return this.keepsZeros(R, this.whereZero(denominator, this.#b.scalar(0), quotient));
  }

  /**
   * (z ⊙ c) / S(n·z) = c ⊙ │z│ / (n│z│ + ε), without the sign of z and the product. For ε = 0 it is c / n except at z = 0.
   * Undefined if it saves nothing.
   */
  #shareOfMultiple({ of, by }: Multiple, z: Value, { epsilon, kind }: Stabilizer, n: number): Term {
    if (epsilon === 0) return this.whereZero(z, this.#b.scalar(0), this.#times(1 / n, by));
    if (kind !== "add" || this.isNonNegative(z)) return undefined;
    const size = this.#b.op("Abs", [of]);
    const stable = this.#b.op("Add", [this.#times(n, size), this.#b.scalar(epsilon)]);
    return this.#product(by, this.#b.op("Div", [size, stable]));
  }

  /** 1 / S(z), and 0 where S(z) = 0. */
  inverse(z: Value, stabilizer: Stabilizer, axes?: readonly number[]): Value {
    const denominator = this.stabilize(z, stabilizer, axes);
    const quotient = this.#b.op("Div", [this.#b.scalar(1), denominator]);
    return isSafe(stabilizer) ? quotient : this.whereZero(denominator, this.#b.scalar(0), quotient);
  }

  /** S(n·z) − n·z */
  stabiliser(z: Value, stabilizer: Stabilizer, n = 1, axes?: readonly number[]): Term {
    if (stabilizer.epsilon === 0) return undefined;
    const whole = this.#times(n, z);
    return this.#b.op("Sub", [this.stabilize(whole, stabilizer, axes), whole]);
  }

  /** │v│ */
  size(v: Value): Value {
    return this.#b.op("Abs", [v]);
  }

  /** 1 − v */
  complement(v: Value): Value {
    return this.#b.op("Sub", [this.#b.scalar(1), v]);
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

  /** A float32 constant that broadcasts over everything. */
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
   * Ones in the shape of one sample of x, which broadcast over the batch. If the size of x is fixed they are constant, and
   * so are all values computed from them.
   */
  onesLike(x: Value): Value {
    return this.nonNegative(filled(this.#b, 1, [1, ...x.shape.slice(1)], x));
  }

  /** Ones in the shape of the given weights. */
  onesOf(weights: Value): Value {
    return this.nonNegative(filled(this.#b, 1, weights.shape, weights));
  }

  /** 1 / (1 + exp(−βx)) */
  sigmoid(x: Value, beta: number): Value {
    return this.#b.op("Sigmoid", [this.#b.op("Mul", [x, this.#b.scalar(beta)])]);
  }
}
