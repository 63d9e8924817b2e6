/** Products and quotients of computed tensors: y = A·B as MatMul and Einsum write it, and y = a / b. */

import { string, stringAttribute, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
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
function pullBackEinsum(
  b: GraphBuilder,
  { inputs, output }: Equation,
  s: Value,
  input: number,
  operands: readonly Value[],
): Value {
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
  pullBackEinsum(site.b, equationOf(site), s, input, site.inputs as readonly Value[]);

/** Which input of an Einsum with constant weights is computed. */
export const computedOperand = (site: Site): number =>
  site.inputs.findIndex((value) => value !== undefined && site.isComputed(value));

/**
 * The product of all constant tensors of an Einsum, and the letters of its axes: those that the computed tensor or the output
 * has, and no others.
 */
function weightsOf(site: Site, index: number): { readonly W: Value; readonly letters: string } {
  const { b } = site;
  const { inputs, output } = equationOf(site);
  const terms = inputs.filter((_, i) => i !== index);
  const tensors = site.inputs.filter((_, i) => i !== index) as readonly Value[];
  if (terms.length === 1) return { W: sure(tensors[0]), letters: sure(terms[0]) };
  const kept = new Set(`${inputs[index] ?? ""}${output}`);
  const letters = [...new Set(terms.join(""))].filter((letter) => kept.has(letter)).join("");
  const equation = string(`${terms.join(",")}->${letters}`);
  return { W: b.op("Einsum", tensors, { equation }), letters };
}

/** Einsum of one computed tensor with constant ones, as a linear operator whose weights are their product. */
export function einsum(site: Site): LinearOperator {
  const { b } = site;
  const index = computedOperand(site);
  const input = site.input(index);
  const { inputs, output } = equationOf(site);
  const { W: weights, letters } = weightsOf(site, index);
  const terms = { inputs: [sure(inputs[index]), letters], output };
  const equation = string(`${terms.inputs.join(",")}->${output}`);
  return {
    x: input,
    weights,
    bias: undefined,
    biasShape: undefined,
    forward: (v, W) => b.op("Einsum", [v, W], { equation }),
    pullBack: (s, W) => pullBackEinsum(b, terms, s, 0, [input, W]),
  };
}

/** Refuses an Einsum that could not be written with a letter for each axis. */
export function refusesEinsum(site: Site): string | undefined {
  const text = stringAttribute(site.node, "equation", "");
  const isPlain =
    !text.includes(".") && equationOf(site).inputs.every((term) => new Set(term).size === term.length);
  return isPlain
    ? undefined
    : `its equation "${text}" takes a diagonal of axes whose size is known only at run time, or has more axes than there are letters: export the model with fixed sizes`;
}
