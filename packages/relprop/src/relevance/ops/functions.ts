/**
 * Elementwise functions y = f(x): s ⊙ f′(x). Where f′ is infinite or undefined (√ and log at 0, arcsin at ±1), the slope is
 * 0, so no gradient is infinite. torch's autograd also has 0 at the kink of |x|, but inf at the others.
 */

import { int, numberAttribute, type Value } from "../../onnx/graph.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import { x, y, type PullBack, type Site } from "../site.ts";
import { Calculus, slope } from "./calculus.ts";
import { sumTo } from "./shapes.ts";

export const abs: PullBack = (site, s) => new Calculus(site.b).signed(s, x(site));

export const negative: PullBack = (site, s) => new Calculus(site.b).neg(s);

export const exp: PullBack = slope((_c, _x, y) => y);

export const log: PullBack = slope((c, x) => c.quotient(1, x));

export const sqrt: PullBack = slope((c, _x, y) => c.quotient(0.5, y));

/** −1/x² = −y² */
export const reciprocal: PullBack = slope((c, x, y) => c.where(c.equal(x, 0), 0, c.neg(c.mul(y, y))));

/** It falls on either side of 0, and jumps there. */
export const reciprocalTrend = (site: Site): -1 | undefined => (site.isNonNegative(x(site)) ? -1 : undefined);

/** 2/√π · exp(−x²) */
export const erf: PullBack = slope((c, x) => c.mul(c.exp(c.neg(c.mul(x, x))), 2 / Math.sqrt(Math.PI)));

export const sin: PullBack = slope((c, x) => c.cos(x));

export const cos: PullBack = slope((c, x) => c.neg(c.sin(x)));

/** 1/cos² = 1 + tan² */
export const tan: PullBack = slope((c, _x, y) => c.add(c.mul(y, y), 1));

/** 1/√(1 − x²) */
export const asin: PullBack = slope((c, x) => c.quotient(1, c.sqrt(c.sub(1, c.mul(x, x)))));

export const acos: PullBack = slope((c, x) => c.quotient(-1, c.sqrt(c.sub(1, c.mul(x, x)))));

/** 1/(1 + x²) */
export const atan: PullBack = slope((c, x) => c.div(1, c.add(c.mul(x, x), 1)));

export const sinh: PullBack = slope((c, x) => c.cosh(x));

export const cosh: PullBack = slope((c, x) => c.sinh(x));

/** 1/√(x² + 1) */
export const asinh: PullBack = slope((c, x) => c.div(1, c.sqrt(c.add(c.mul(x, x), 1))));

/** 1/√(x² − 1) */
export const acosh: PullBack = slope((c, x) => c.quotient(1, c.sqrt(c.sub(c.mul(x, x), 1))));

/** 1/(1 − x²) */
export const atanh: PullBack = slope((c, x) => c.quotient(1, c.sub(1, c.mul(x, x))));

/** The argument of y = xᵉ: the base, or the exponent if the base is constant. The other is a parameter. */
export const shapesPower = (site: Site): readonly number[] => (site.isComputed(x(site)) ? [1] : [0]);

/** The exponent as a float tensor; ONNX allows whole numbers, too. */
const exponentOf = (site: Site): Value => {
  const exponent = site.input(1);
  return exponent.dataType === "float32" ? exponent : site.b.op("Cast", [exponent], { to: int(1) });
};

/** y = xᵉ: e·xᵉ⁻¹ to the base (0 where x = 0 and that is infinite), y·log x to the exponent (0 where x ≤ 0). */
export const pow: PullBack = (site, s, input) => {
  const c = new Calculus(site.b);
  const base = x(site);
  const to = (gradient: Value): Value => sumTo(site.b, gradient, site.input(input));
  if (input === 1) return to(c.mul(s, c.where(c.above(base, 0), c.mul(y(site), c.log(base)), 0)));
  const constant = constantExponent(site);
  if (constant === 1) return to(s);
  if (constant === 2) return to(c.mul(s, c.mul(base, 2)));
  if (constant === 3) return to(c.mul(s, c.mul(c.mul(base, base), 3)));
  const exponent = exponentOf(site);
  const rise = c.mul(exponent, c.pow(base, c.sub(exponent, 1)));
  // At 0 the slope is 1 for e = 1, 0 for e > 1 (0⁰ = 1 and 0ᵉ = 0 say so); below it is infinite, or 0·∞ for e = 0.
  const isFinite = constant !== undefined && constant > 1;
  const hasNone = isFinite ? undefined : c.and(c.equal(base, 0), c.below(exponent, 1));
  return to(c.mul(s, hasNone ? c.where(hasNone, 0, rise) : rise));
};

/** The exponent, if it is one constant for all elements. */
function constantExponent(site: Site): number | undefined {
  const { constant } = site.input(1);
  if (!constant || constant.dims.some((n) => n !== 1)) return undefined;
  return numbersOf(constant)[0];
}

/** Even powers are not negative, nor is any power of what is not. */
export const powersArePositive = (site: Site): boolean => {
  const exponent = constantExponent(site);
  return site.isNonNegative(x(site)) || (exponent !== undefined && exponent % 2 === 0);
};

/** x^−½ and the like. */
export const hasNegativePower = (site: Site): boolean => (constantExponent(site) ?? 0) < 0;

/** y = a − c·⌊a/c⌉, the quotient rounded towards 0: 1 to a, minus that quotient to c. */
export const remainder: PullBack = (site, s, input) => {
  const c = new Calculus(site.b);
  const [dividend, divisor] = site.inputs as [Value, Value];
  if (input === 0) return sumTo(site.b, s, dividend);
  // (a − y)/c is the quotient up to rounding errors.
  return sumTo(site.b, c.neg(c.mul(s, c.div(c.sub(dividend, y(site)), divisor))), divisor);
};

export function refusesWholeRemainder({ node }: Site): string | undefined {
  if (numberAttribute(node, "fmod", 0) === 1) return undefined;
  return "it counts in whole numbers (fmod = 0), and a step has no slope to send relevance along";
}
