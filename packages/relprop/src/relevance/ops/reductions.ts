/**
 * Sums, means, maxima and norms over axes. y has the reduced axes with size 1, or without `keepdims` not at all.
 *
 * LRP shares y in proportion to its parts. Where Σ x·∂y/∂x = y (sums, means, norms: homogeneous of degree 1, Euler
 * 1755), x ⊙ ∂y/∂x are these parts. The others say below what their parts are.
 */

import { wrapped } from "../../onnx/axis.ts";
import { int, ints, intsAttribute, numberAttribute, type Value } from "../../onnx/graph.ts";
import { constantIntegers, sizeOf } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { type StandIn } from "../row-kinds.ts";
import { x, y, type PullBack, type Site } from "../site.ts";
import { Calculus, indicator } from "./calculus.ts";
import { filled, reshapeLike, sizes } from "./shapes.ts";

/** The axes a Reduce operator works on: an attribute, or since opset 13 for ReduceSum an input; none means all. */
function reducedAxes(site: Site): number[] {
  const rank = x(site).shape.length;
  const given = intsAttribute(site.node, "axes") ?? (site.inputs[1] && constantIntegers(site.inputs[1]));
  const axes = given && given.length > 0 ? given : x(site).shape.map((_, i) => i);
  return axes.map((axis) => wrapped(axis, rank)).sort((a, c) => a - c);
}

/** The axes must be known when the graph is compiled. */
export function refusesOpenAxes(site: Site): string | undefined {
  const open = site.inputs[1] !== undefined && constantIntegers(site.inputs[1]) === undefined;
  return open ? "its axes are computed at run time: export the model with constant axes" : undefined;
}

/** The axes that go, if they are known. */
export const knownAxes = (site: Site): readonly number[] | undefined =>
  refusesOpenAxes(site) === undefined ? reducedAxes(site) : undefined;

/** A value of y's shape with the reduced axes in it, of size 1: it broadcasts over x. */
function keepAxes(site: Site, v: Value): Value {
  if (numberAttribute(site.node, "keepdims", 1) === 1) return v;
  return site.b.op("Unsqueeze", [v, site.b.integers(reducedAxes(site))]);
}

/** s divided by the number of elements of `input` along the axes. */
export function equalParts(b: GraphBuilder, s: Value, input: Value, axes: readonly number[]): Value {
  const lengths = axes.map((axis) => input.shape[axis]);
  if (lengths.every((n) => typeof n === "number")) return b.op("Mul", [s, b.scalar(1 / sizeOf(lengths))]);
  const shape = b.op("Gather", [b.op("Shape", [input]), b.integers(axes)], { axis: int(0) });
  const count = b.op("ReduceProd", [b.op("Cast", [shape], { to: int(1) })], { keepdims: int(0) });
  return b.op("Div", [s, count]);
}

export const reduceMean = (site: Site, s: Value): Value =>
  equalParts(site.b, keepAxes(site, s), x(site), reducedAxes(site));

export const reduceSum = (site: Site, s: Value): Value => keepAxes(site, s);

/** CumSum: what an element went into are all sums that come after it, so the sum runs the other way. */
export function cumulativeSum(site: Site, s: Value): Value {
  const { b, node } = site;
  const reverse = 1 - numberAttribute(node, "reverse", 0);
  const exclusive = numberAttribute(node, "exclusive", 0);
  return b.op("CumSum", [s, site.input(1)], { reverse: int(reverse), exclusive: int(exclusive) });
}

/** ReduceMax, ReduceMin: s to the first extreme element in scan order. */
export function reduceExtreme(site: Site, s: Value): Value {
  const { b } = site;
  const reduced = reducedAxes(site);
  const kept = x(site).shape.flatMap((_, axis) => (reduced.includes(axis) ? [] : [axis]));
  const perm = [...kept, ...reduced];
  const isSorted = perm.every((axis, i) => axis === i);
  const sorted = isSorted ? x(site) : b.op("Transpose", [x(site)], { perm: ints(perm) });
  const flat = b.op("Reshape", [sorted, b.integers([...kept.map(() => 0), -1])]);
  const one = sizes(b, [...sorted.shape.slice(0, kept.length), 1], sorted);
  const [extreme, relevance] = [y(site), s].map((v) => b.op("Reshape", [v, one])) as [Value, Value];
  const won = reshapeLike(b, toFirst(b, flat, extreme, relevance, kept.length), sorted);
  return isSorted ? won : b.op("Transpose", [won], { perm: ints(perm.map((_, axis) => perm.indexOf(axis))) });
}

/** s [.., 1, ..] to the first of the elements of v along an axis that equal `extreme` [.., 1, ..], zeros to the others. */
export function toFirst(b: GraphBuilder, v: Value, extreme: Value, s: Value, axis: number): Value {
  const isExtreme = indicator(b, b.op("Equal", [v, extreme]));
  const before = b.op("CumSum", [isExtreme, b.integer(axis)], { exclusive: int(1) });
  const isFirst = b.op("Greater", [b.op("Sub", [isExtreme, before]), b.scalar(0.5)]);
  return b.op("Where", [isFirst, s, b.scalar(0)]);
}

/** ReduceMax and its kind explained as the mean of the same elements. */
export function averagedExtreme(site: Site): StandIn {
  const keepdims = int(numberAttribute(site.node, "keepdims", 1));
  return {
    y: site.b.op("ReduceMean", [x(site)], { axes: ints(reducedAxes(site)), keepdims }),
    pullBack: (s) => reduceMean(site, s),
  };
}

/** y = log Σ exp(x): its gradient is the softmax of x. */
export const reduceLogSumExp = (site: Site, s: Value): Value =>
  site.b.op("Mul", [keepAxes(site, s), softmaxOf(site)]);

/** A soft maximum shares itself out by the softmax of x: LRP's parts are softmax ⊙ y, whole since softmax sums to 1. */
export function softmaxOf(site: Site): Value {
  const c = new Calculus(site.b);
  return c.exp(c.sub(x(site), keepAxes(site, y(site))));
}

/** R in a shape that broadcasts over x, which ReduceLogSumExp multiplies by its softmax. */
export const wholeToAll: PullBack = keepAxes;

/** y = (Σ |x|ᵖ)^(1/p): ∂y/∂x = ±(|x|/y)ᵖ⁻¹, and 0 where y = 0. `spread` brings a value of y's shape to x. */
export function pullBackNorm(site: Site, s: Value, p: number, spread: (v: Value) => Value): Value {
  const c = new Calculus(site.b);
  const power = c.power(y(site), p - 1);
  const scaled = typeof power === "number" ? s : c.mul(s, c.quotient(1, power));
  if (p === 2) return c.mul(x(site), spread(scaled));
  return c.mul(spread(scaled), c.signed(c.power(c.abs(x(site)), p - 1), x(site)));
}

/** y = Σ |x| */
export const reduceL1 = (site: Site, s: Value): Value => pullBackNorm(site, s, 1, (v) => keepAxes(site, v));

/** y = √(Σ x²) */
export const reduceL2 = (site: Site, s: Value): Value => pullBackNorm(site, s, 2, (v) => keepAxes(site, v));

/** y = Σ x² */
export const reduceSumSquare = (site: Site, s: Value): Value =>
  site.b.op("Mul", [frozenSquares(site, s), site.b.scalar(2)]);

/** The parts of Σ x² are x²: one factor is held constant. */
export const frozenSquares = (site: Site, s: Value): Value => site.b.op("Mul", [x(site), keepAxes(site, s)]);

/**
 * y = log Σ x: 1/Σx = exp(−y), if Σx > 0. Its parts are those of Σx, and x ⊙ JᵀR = x/Σx ⊙ R already shares R out
 * whole: no division by y, which is 0 where Σx = 1.
 */
export function reduceLogSum(site: Site, s: Value): Value {
  const c = new Calculus(site.b);
  return c.mul(keepAxes(site, s), c.exp(c.neg(keepAxes(site, y(site)))));
}

/** y = Π x: the product of the others, which is y/x but where x = 0. */
export function reduceProd(site: Site, s: Value): Value {
  const { b } = site;
  const c = new Calculus(b);
  const axes = reducedAxes(site);
  const isZero = c.equal(x(site), 0);
  const zeros = b.op("ReduceSum", [c.where(isZero, 1, 0), b.integers(axes)], { keepdims: int(1) });
  const rest = c.where(isZero, 1, x(site));
  const others = c.div(b.op("ReduceProd", [rest], { axes: ints(axes), keepdims: int(1) }), rest);
  const isOnlyZero = c.below(zeros, 1.5);
  const isNoZero = c.below(zeros, 0.5);
  const slope = c.where(isZero, c.where(isOnlyZero, others, 0), c.where(isNoZero, others, 0));
  return c.mul(keepAxes(site, s), slope);
}

/**
 * Π x depends on each of n factors alike, x·∂y/∂x = y: each owns y/n (AttnLRP, Achtibat et al. 2024, proposition 3.2,
 * for two). Not by division: products of small numbers are far smaller than any stabiliser.
 */
export const equalToAll: PullBack = (site, s) =>
  equalParts(site.b, keepAxes(site, s), x(site), reducedAxes(site));

/** Ones in the shape of x. */
export const onesOfInput = (site: Site): Value => filled(site.b, 1, x(site).shape, x(site));
