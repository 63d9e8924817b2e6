/** FakeQuantize and DynamicFakeQuantize: x rounded to whole steps of a scale, between the smallest and the largest its type can hold. */

import { wrapped } from "../../onnx/axis.ts";
import { numberAttribute, type Value } from "../../onnx/graph.ts";
import { quantizedRange } from "../../onnx/quantization.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import { x, type PullBack, type Site } from "../site.ts";
import { Calculus } from "./calculus.ts";

/** What is quantized without a zero point. */
const unsigned = "uint8";

/** The numbers between which x is rounded and not clipped, as constants that broadcast over x. */
function borders(site: Site): readonly [low: Value, high: Value] {
  const [, scale, zero] = site.inputs;
  const scales = Array.from(scale?.constant ? numbersOf(scale.constant) : []);
  const zeros = zero?.constant ? numbersOf(zero.constant) : undefined;
  const [smallest, largest] = quantizedRange(zero?.dataType ?? unsigned) as readonly [number, number];
  const { length: rank } = x(site).shape;
  const axis = numberAttribute(site.node, "axis", 1);
  const at = wrapped(axis, rank);
  const dims =
    scales.length > 1 ? Array.from({ length: rank }, (_, i) => (i === at ? scales.length : 1)) : [];
  const edge = (steps: number): Value =>
    site.b.numbers(
      scales.map((step, i) => (steps - (zeros?.[i] ?? 0)) * step),
      dims,
    );
  // Half a step beyond the last one is still rounded to it.
  return [edge(smallest - 0.5), edge(largest + 0.5)];
}

/** The straight-through estimator (Bengio et al. 2013): rounding has the slope 1, clipping 0. */
export const fakeQuantize: PullBack = (site, s) => {
  const c = new Calculus(site.b);
  const [low, high] = borders(site);
  return c.where(c.and(c.above(x(site), low), c.below(x(site), high)), s, 0);
};

/** The steps reach from the smallest number to the largest, so none is clipped. */
export const dynamicFakeQuantize: PullBack = (_site, s) => s;

/** The smallest step is zero: a quantized ReLU. */
export function quantizesToPositive(site: Site): boolean {
  const [, , zero] = site.inputs;
  const [smallest] = quantizedRange(zero?.dataType ?? unsigned) as readonly [number, number];
  const zeros = zero?.constant ? Array.from(numbersOf(zero.constant)) : [0];
  return zeros.every((number) => number === smallest) || site.isNonNegative(x(site));
}
