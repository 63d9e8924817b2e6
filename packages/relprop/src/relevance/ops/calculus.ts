/** Element-wise arithmetic on values and numbers, short enough to read a derivative in one line. */

import { int, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { x, y, type PullBack, type Site } from "../site.ts";

export type Operand = Value | number;

/** 1 where a condition holds, else 0. */
export const indicator = (b: GraphBuilder, condition: Value): Value =>
  b.op("Cast", [condition], { to: int(1) });

/** One method an ONNX operator; numbers become scalars. */
export class Calculus {
  readonly #b: GraphBuilder;
  constructor(b: GraphBuilder) {
    this.#b = b;
  }
  #value = (operand: Operand): Value => (typeof operand === "number" ? this.#b.scalar(operand) : operand);
  #both = (a: Operand, c: Operand): [Value, Value] => [this.#value(a), this.#value(c)];
  readonly add = (a: Operand, c: Operand): Value => this.#b.op("Add", this.#both(a, c));
  readonly sub = (a: Operand, c: Operand): Value => this.#b.op("Sub", this.#both(a, c));
  readonly mul = (a: Operand, c: Operand): Value => this.#b.op("Mul", this.#both(a, c));
  readonly div = (a: Operand, c: Operand): Value => this.#b.op("Div", this.#both(a, c));
  readonly pow = (a: Operand, c: Operand): Value => this.#b.op("Pow", this.#both(a, c));
  readonly above = (a: Operand, c: Operand): Value => this.#b.op("Greater", this.#both(a, c));
  readonly below = (a: Operand, c: Operand): Value => this.#b.op("Less", this.#both(a, c));
  readonly equal = (a: Operand, c: Operand): Value => this.#b.op("Equal", this.#both(a, c));
  readonly and = (a: Value, c: Value): Value => this.#b.op("And", [a, c]);
  readonly not = (a: Value): Value => this.#b.op("Not", [a]);
  readonly neg = (a: Value): Value => this.#b.op("Neg", [a]);
  readonly abs = (a: Value): Value => this.#b.op("Abs", [a]);
  readonly exp = (a: Value): Value => this.#b.op("Exp", [a]);
  readonly log = (a: Value): Value => this.#b.op("Log", [a]);
  readonly sqrt = (a: Value): Value => this.#b.op("Sqrt", [a]);
  readonly sin = (a: Value): Value => this.#b.op("Sin", [a]);
  readonly cos = (a: Value): Value => this.#b.op("Cos", [a]);
  readonly sinh = (a: Value): Value => this.#b.op("Sinh", [a]);
  readonly cosh = (a: Value): Value => this.#b.op("Cosh", [a]);
  readonly tanh = (a: Value): Value => this.#b.op("Tanh", [a]);
  readonly erf = (a: Value): Value => this.#b.op("Erf", [a]);
  readonly sigmoid = (a: Value): Value => this.#b.op("Sigmoid", [a]);
  readonly softplus = (a: Value): Value => this.#b.op("Softplus", [a]);
  where = (condition: Value, a: Operand, c: Operand): Value =>
    this.#b.op("Where", [condition, ...this.#both(a, c)]);

  /** v where the condition holds, else 0, for finite v: on CPUs several times faster than `where`. */
  only = (condition: Value, v: Value): Value => this.mul(v, indicator(this.#b, condition));

  /** a / c for c > 0, else 0: a slope that is infinite, or none at all, at the border of a function's domain. */
  quotient = (a: Operand, c: Value): Value => this.where(this.above(c, 0), this.div(a, c), 0);

  /** a with the sign of v; 0 where v = 0. ONNX's Sign has no WebGPU kernel. */
  signed = (a: Operand, v: Value): Value => {
    const negative = typeof a === "number" ? -a : this.neg(a);
    return this.where(this.above(v, 0), a, this.where(this.below(v, 0), negative, 0));
  };

  /** vᵉ for v ≥ 0 and a constant e, by the cheapest operator. */
  power = (v: Value, exponent: number): Operand => {
    if (exponent === 0) return 1;
    if (exponent === 1) return v;
    if (exponent === 2) return this.mul(v, v);
    return this.pow(v, exponent);
  };
}

/** f′ as a function of x and y = f(x). */
export type Slope = (c: Calculus, x: Value, y: Value, site: Site) => Value;

/** s ⊙ f′(x) */
export const slope =
  (derivative: Slope): PullBack =>
  (site, s) => {
    const c = new Calculus(site.b);
    return c.mul(s, derivative(c, x(site), y(site), site));
  };
