/** Operators that add or multiply tensors, with broadcasting. */

import type { Value } from "../../onnx/graph.ts";
import type { Site } from "../site.ts";
import { Calculus } from "./calculus.ts";
import { sumTo } from "./shapes.ts";
import { sureNumber } from "../../sure.ts";

/** y = a + b, or a sum of many. */
export const add = (site: Site, s: Value, input: number): Value => sumTo(site.b, s, site.input(input));

/**
 * Whether a sum rises or falls with its only computed term.
 * @param signs of the terms
 */
export const sumTrend =
  (signs: readonly (1 | -1)[]) =>
  ({ inputs, isComputed }: Site): 1 | -1 | undefined => {
    const computed = inputs.flatMap((value, i) => (value && isComputed(value) ? [i] : []));
    return computed.length === 1 ? signs[sureNumber(computed[0])] : undefined;
  };

/** Whether a product rises with its only computed factor, if the others are non-negative constants: masks, scales. */
export function factorTrend({ inputs, isComputed, isNonNegative }: Site): 1 | undefined {
  const others = inputs.filter((value) => value && !isComputed(value));
  const isScaled =
    others.length === inputs.length - 1 && others.every((value) => value && isNonNegative(value));
  return isScaled ? 1 : undefined;
}

/** y = a − b */
export function subtract(site: Site, s: Value, input: number): Value {
  const summed = add(site, s, input);
  return input === 0 ? summed : site.b.op("Neg", [summed]);
}

/** y = a ⊙ b */
export function multiply(site: Site, s: Value, input: number): Value {
  const other = site.input(1 - input);
  return sumTo(site.b, site.b.op("Mul", [s, other]), site.input(input));
}

/** y = (a + b + …) / n */
export const mean = (site: Site, s: Value, input: number): Value =>
  add(site, site.b.op("Mul", [s, site.b.scalar(1 / site.inputs.length)]), input);

/** y = max(a, b, …), or min: s to the first of the inputs that equals y. */
export function extreme(site: Site, s: Value, input: number): Value {
  const { b, inputs } = site;
  const c = new Calculus(b);
  const wins = (value: Value): Value => c.equal(value, site.output(0));
  const earlier = (inputs as readonly Value[]).slice(0, input).map((value) => c.not(wins(value)));
  const isFirst = earlier.reduce((won, lost) => c.and(won, lost), wins(site.input(input)));
  return sumTo(b, c.where(isFirst, s, 0), site.input(input));
}
