/** Products and quotients of computed tensors: y = A·B as MatMul and Einsum write it, and y = a / b. */

import { string, stringAttribute, type Value } from "../../onnx/graph.ts";
import type { LinearOperator, Site } from "../site.ts";
import { throughEinsum as throughLetters } from "./axes.ts";
import { transposed } from "./dense.ts";
import { expandLike, sumTo } from "./shapes.ts";
import { sure } from "../../sure.ts";

/** y [.., I, K] = A [.., I, J] · B [.., J, K]: s·Bᵀ to A, Aᵀ·s to B, summed where a batch was broadcast. */
export function matrixProduct(site: Site, s: Value, input: number): Value {
  const { b } = site;
  const [A, B] = site.inputs as [Value, Value];
  const back = input === 0 ? b.op("MatMul", [s, transposed(b, B)]) : b.op("MatMul", [transposed(b, A), s]);
  return sumTo(b, back, input === 0 ? A : B);
}

/** y = a / b: s/b to a, −s·y/b to b. */
export function divide(site: Site, s: Value, input: number): Value {
  const { b } = site;
  const [numerator, denominator] = site.inputs as [Value, Value];
  const share = b.op("Div", [s, denominator]);
  if (input === 0) return sumTo(b, share, numerator);
  const y = site.output(0);
  return sumTo(b, b.op("Neg", [b.op("Mul", [share, y])]), denominator);
}

/** A positive constant divided by what cannot be negative falls. */
export function quotientTrend({ inputs, isComputed, isNonNegative }: Site): -1 | undefined {
  const [numerator, denominator] = inputs as [Value, Value];
  return !isComputed(numerator) && isNonNegative(numerator) && isNonNegative(denominator) ? -1 : undefined;
}

/** c/v with a constant c. */
export const dividesConstant = ({ inputs: [numerator], isComputed }: Site): boolean =>
  numerator !== undefined && !isComputed(numerator);

/** The terms of an Einsum equation, letters only: one for each input, and the output's. */
interface Equation {
  readonly inputs: readonly string[];
  readonly output: string;
}

/** The equation of an Einsum with its output written out, if it has no ellipsis. */
function equationOf(site: Site): Equation {
  const text = stringAttribute(site.node, "equation", "").replaceAll(" ", "");
  const [left = "", right] = text.split("->");
  const inputs = left.split(",");
  const letters = [...left.replaceAll(",", "")].toSorted();
  const once = letters.filter((letter) => letters.filter((other) => other === letter).length === 1);
  return { inputs, output: right ?? once.join("") };
}

/** An axis that has a letter in the output. */
export const throughEinsum = throughLetters(equationOf);

/**
 * The transpose of an Einsum is an Einsum with the output in an input's place:
 *
 *     y = einsum("bij,bjk->bik", A, B),   Bᵀ: einsum("bij,bik->bjk", A, s)
 *
 * Letters that only the one input has were summed away alone: there s is repeated.
 */
function pullBackEinsum(site: Site, s: Value, input: number, operands: readonly Value[]): Value {
  const { b } = site;
  const { inputs, output } = equationOf(site);
  const term = inputs[input] as string;
  const others = inputs.filter((_, i) => i !== input);
  const given = new Set([output, ...others].join(""));
  const kept = [...term].filter((letter) => given.has(letter)).join("");
  const equation = `${[...others, output].join(",")}->${kept}`;
  const summed = b.op("Einsum", [...operands.filter((_, i) => i !== input), s], {
    equation: string(equation),
  });
  const like = sure(operands[input]);
  if (kept === term) return summed;
  const missing = [...term].flatMap((letter, axis) => (given.has(letter) ? [] : [axis]));
  return expandLike(b, b.op("Unsqueeze", [summed, b.integers(missing)]), like);
}

/** Einsum of computed tensors. */
export const contraction = (site: Site, s: Value, input: number): Value =>
  pullBackEinsum(site, s, input, site.inputs as readonly Value[]);

/** Which input of an Einsum with constant weights is computed. */
export const computedOperand = (site: Site): number =>
  site.inputs.findIndex((value) => value !== undefined && site.isComputed(value));

/** Einsum of one computed tensor with at most one constant one, as a linear operator. */
export function einsum(site: Site): LinearOperator {
  const { b, node } = site;
  const index = computedOperand(site);
  const input = site.input(index);
  const order = (v: Value, W: Value): readonly Value[] => (index === 0 ? [v, W] : [W, v]);
  return {
    x: input,
    weights: site.input(1 - index),
    bias: undefined,
    biasShape: undefined,
    forward: (v, W) => b.like(node, order(v, W)),
    pullBack: (s, W) => pullBackEinsum(site, s, index, order(input, W)),
  };
}

/** Refuses an Einsum whose transpose has no equation. */
export function refusesEinsum(site: Site): string | undefined {
  const { inputs, output } = equationOf(site);
  const text = stringAttribute(site.node, "equation", "");
  const fix = "export the model with MatMul, Transpose and ReduceSum instead";
  if (text.includes(".")) return `its equation "${text}" has an ellipsis: ${fix}`;
  if ([...inputs, output].some((term) => new Set(term).size < term.length))
    return `its equation "${text}" takes a diagonal: ${fix}`;
  return undefined;
}

/** As {@link refusesEinsum}, for constant weights: there must be one tensor of them. */
export function refusesWeightlessEinsum(site: Site): string | undefined {
  if (site.inputs.length !== 2)
    return `it takes ${site.inputs.length} tensors, and relevance has a rule for two: export it as several`;
  return refusesEinsum(site);
}
