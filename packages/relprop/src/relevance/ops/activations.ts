/** Element-wise functions y = f(x): s ⊙ f′(x) for the gradient methods, and where f cannot be negative. */

import { numberAttribute, stringAttribute, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import { x, y, type PullBack, type Site } from "../row-kinds.ts";
import { sumTo } from "./shapes.ts";

type Operand = Value | number;

/** Element-wise arithmetic on values and numbers, short enough to read a derivative in one line. */
class Calculus {
  readonly #b: GraphBuilder;
  constructor(b: GraphBuilder) {
    this.#b = b;
  }
  #value = (operand: Operand): Value => (typeof operand === "number" ? this.#b.scalar(operand) : operand);
  #binary =
    (opType: string) =>
    (a: Operand, c: Operand): Value =>
      this.#b.op(opType, [this.#value(a), this.#value(c)]);
  readonly add: (a: Operand, c: Operand) => Value = this.#binary("Add");
  readonly sub: (a: Operand, c: Operand) => Value = this.#binary("Sub");
  readonly mul: (a: Operand, c: Operand) => Value = this.#binary("Mul");
  readonly above: (a: Operand, c: Operand) => Value = this.#binary("Greater");
  readonly below: (a: Operand, c: Operand) => Value = this.#binary("Less");
  where = (condition: Value, a: Operand, c: Operand): Value =>
    this.#b.op("Where", [condition, this.#value(a), this.#value(c)]);
  exp = (a: Value): Value => this.#b.op("Exp", [a]);
  tanh = (a: Value): Value => this.#b.op("Tanh", [a]);
  erf = (a: Value): Value => this.#b.op("Erf", [a]);
  sigmoid = (a: Value): Value => this.#b.op("Sigmoid", [a]);
  softplus = (a: Value): Value => this.#b.op("Softplus", [a]);
}

/** f′ as a function of x and y = f(x). */
type Slope = (c: Calculus, x: Value, y: Value, site: Site) => Value;

const slope =
  (derivative: Slope): PullBack =>
  (site, s) => {
    const c = new Calculus(site.b);
    return c.mul(s, derivative(c, x(site), y(site), site));
  };

const attribute = numberAttribute;

export const relu: PullBack = (site, s) => {
  const c = new Calculus(site.b);
  return c.where(c.above(x(site), 0), s, 0);
};

export const leakyRelu: PullBack = slope((c, x, _y, { node }) =>
  c.where(c.above(x, 0), 1, attribute(node, "alpha", 0.01)),
);

/** The slope below zero is the second input, one number for each channel mostly. */
export const prelu: PullBack = (site, s, input) => {
  const c = new Calculus(site.b);
  const alpha = site.inputs[1] as Value;
  const positive = c.above(x(site), 0);
  if (input === 0) return c.mul(s, c.where(positive, 1, alpha));
  return sumTo(site.b, c.where(positive, 0, c.mul(s, x(site))), alpha);
};

/** A bound of Clip, if it is a constant. */
function bound(site: Site, index: number, orElse: number): number | undefined {
  const input = site.inputs[index];
  if (!input) return orElse;
  return input.constant && numbersOf(input.constant)[0];
}

export const clip: PullBack = (site, s) => {
  const c = new Calculus(site.b);
  const [, low, high] = site.inputs;
  const aboveLow = low ? c.where(c.above(x(site), low), s, 0) : s;
  return high ? c.where(c.below(x(site), high), aboveLow, 0) : aboveLow;
};

export const clipsBelowZero = (site: Site): boolean =>
  (bound(site, 1, -Infinity) ?? -Infinity) >= 0 || site.isNonNegative(x(site));

export const elu: PullBack = slope((c, x, y, { node }) =>
  c.where(c.above(x, 0), 1, c.add(y, attribute(node, "alpha", 1))),
);

/** γ for x > 0, else γα·exp(x) = y + γα; constants of Klambauer et al. 2017, as ONNX has them. */
export const selu: PullBack = slope((c, x, y, { node }) => {
  const gamma = attribute(node, "gamma", 1.0507009873554805);
  const alpha = attribute(node, "alpha", 1.6732632423543772);
  return c.where(c.above(x, 0), gamma, c.add(y, gamma * alpha));
});

export const sigmoid: PullBack = slope((c, _x, y) => c.mul(y, c.sub(1, y)));

export const tanh: PullBack = slope((c, _x, y) => c.sub(1, c.mul(y, y)));

export const softplus: PullBack = slope((c, x) => c.sigmoid(x));

export const hardSigmoid: PullBack = slope((c, _x, y, { node }) =>
  c.where(c.above(y, 0), c.where(c.below(y, 1), attribute(node, "alpha", 0.2), 0), 0),
);

/** x·clip(x/6 + 1/2, 0, 1) */
export const hardSwish: PullBack = slope((c, x) =>
  c.where(c.above(x, -3), c.where(c.below(x, 3), c.add(c.mul(x, 1 / 3), 0.5), 1), 0),
);

/** x·σ(x) */
export const silu: PullBack = slope((c, x) => {
  const gate = c.sigmoid(x);
  return c.mul(gate, c.add(1, c.mul(x, c.sub(1, gate))));
});

/** x·tanh(softplus(x)) */
export const mish: PullBack = slope((c, x) => {
  const t = c.tanh(c.softplus(x));
  return c.add(t, c.mul(c.mul(x, c.sigmoid(x)), c.sub(1, c.mul(t, t))));
});

/** x·Φ(x), by the error function or its tanh approximation (Hendrycks & Gimpel 2016). */
export const gelu: PullBack = slope((c, x, _y, { node }) => {
  if (stringAttribute(node, "approximate", "none") === "tanh") {
    const k = Math.sqrt(2 / Math.PI);
    const square = c.mul(x, x);
    const t = c.tanh(c.mul(c.mul(x, k), c.add(1, c.mul(square, 0.044715))));
    const inner = c.mul(c.add(c.mul(square, 3 * 0.044715), 1), k);
    return c.add(c.mul(c.add(t, 1), 0.5), c.mul(c.mul(c.mul(x, 0.5), c.sub(1, c.mul(t, t))), inner));
  }
  const cumulative = c.mul(c.add(c.erf(c.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = c.mul(c.exp(c.mul(c.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return c.add(cumulative, c.mul(x, density));
});
