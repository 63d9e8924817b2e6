/** Activations of neural networks y = f(x): s ⊙ f′(x) for the gradient methods, and where f cannot be negative. */

import { numberAttribute, stringAttribute } from "../../onnx/graph.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import { x, type PullBack, type Site } from "../site.ts";
import { Calculus, slope } from "./calculus.ts";
import { sumTo } from "./shapes.ts";

const attribute = numberAttribute;

export const relu: PullBack = (site, s) => {
  const c = new Calculus(site.b);
  return c.only(c.above(x(site), 0), s);
};

export const leakyRelu: PullBack = slope((c, x, _y, { node }) =>
  c.where(c.above(x, 0), 1, attribute(node, "alpha", 0.01)),
);

/** The slope below zero is the second input, one number for each channel mostly. */
export const prelu: PullBack = (site, s, input) => {
  const c = new Calculus(site.b);
  const alpha = site.input(1);
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

/** The bounds may be computed, too: each owns what it clipped. */
export const clip: PullBack = (site, s, input) => {
  const c = new Calculus(site.b);
  const [, low, high] = site.inputs;
  if (low && input === 1) return sumTo(site.b, c.where(c.below(x(site), low), s, 0), low);
  if (high && input === 2) return sumTo(site.b, c.where(c.above(x(site), high), s, 0), high);
  const aboveLow = low ? c.only(c.above(x(site), low), s) : s;
  return high ? c.only(c.below(x(site), high), aboveLow) : aboveLow;
};

export const clipsBelowZero = (site: Site): boolean =>
  (bound(site, 1, -Infinity) ?? -Infinity) >= 0 || site.isNonNegative(x(site));

/** From 0 up to a bound above it: ReLU6. */
export const clipsToZero = (site: Site): boolean =>
  bound(site, 1, -Infinity) === 0 && (bound(site, 2, Infinity) ?? 0) > 0;

export const elu: PullBack = slope((c, x, y, { node }) =>
  c.where(c.above(x, 0), 1, c.add(y, attribute(node, "alpha", 1))),
);

/** 1 for x > 0, else exp(x/α) = y/α + 1. Barron 2017. */
export const celu: PullBack = slope((c, x, y, { node }) =>
  c.where(c.above(x, 0), 1, c.add(c.mul(y, 1 / attribute(node, "alpha", 1)), 1)),
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

/** x / (1 + |x|) */
export const softsign: PullBack = slope((c, x) => {
  const size = c.add(c.abs(x), 1);
  return c.div(1, c.mul(size, size));
});

/** x where x > α, else 0. */
export const thresholdedRelu: PullBack = (site, s) => {
  const c = new Calculus(site.b);
  return c.only(c.above(x(site), attribute(site.node, "alpha", 1)), s);
};

export const thresholdIsPositive = (site: Site): boolean =>
  attribute(site.node, "alpha", 1) >= 0 || site.isNonNegative(x(site));

/** x − bias above λ, x + bias below −λ, else 0. */
export const shrink: PullBack = (site, s) => {
  const c = new Calculus(site.b);
  return c.where(c.above(c.abs(x(site)), attribute(site.node, "lambd", 0.5)), s, 0);
};

/** Above λ no bias up to λ can make it negative, and nothing that is not negative lies below −λ. */
export const shrinksToPositive = (site: Site): boolean => {
  const { node } = site;
  const lambda = attribute(node, "lambd", 0.5);
  return lambda >= 0 && attribute(node, "bias", 0) <= lambda && site.isNonNegative(x(site));
};

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
    // Never x/2 by itself: ONNX Runtime 1.30 finds it in the forward pass too, and fuses it away there with the GELU.
    const rising = c.mul(c.mul(c.mul(x, c.sub(1, c.mul(t, t))), inner), 0.5);
    return c.add(c.mul(c.add(t, 1), 0.5), rising);
  }
  const cumulative = c.mul(c.add(c.erf(c.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = c.mul(c.exp(c.mul(c.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return c.add(cumulative, c.mul(x, density));
});
