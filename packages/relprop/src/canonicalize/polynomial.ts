/**
 * Expressions that an exporter spelled out are compared as polynomials, so that x·½·(1+e), (x·½)·(1+e) and ½x + ½xe
 * are one pattern: the order and grouping of the operators is the exporter's taste, the polynomial is the meaning.
 */

import type { Graph, Node, Uses } from "../onnx/graph.ts";
import { scalarOf } from "./constants.ts";
import { isOnnx } from "./rewrite.ts";

/** Coefficients by the exponents of the variables: "1,0" is the first variable. Terms of 0 are left out. */
export type Polynomial = ReadonlyMap<string, number>;

const maxDegree = 6;
const arithmetic = ["Add", "Sub", "Mul", "Div", "Neg", "Pow"] as const;

export const isArithmetic = (node: Node): boolean => isOnnx(node, ...arithmetic);

/** Constants in models are float32 and often rounded by hand (0.7978845608, 1.4142). */
const tolerance = 1e-4;

const near = (x: number, y: number): boolean =>
  Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y));

export function samePolynomial(a: Polynomial, b: Polynomial): boolean {
  return a.size === b.size && [...a].every(([term, factor]) => near(factor, b.get(term) ?? 0));
}

function sum(a: Polynomial, b: Polynomial, sign: number): Polynomial {
  const result = new Map(a);
  for (const [term, factor] of b) {
    const total = (result.get(term) ?? 0) + sign * factor;
    if (total === 0) result.delete(term);
    else result.set(term, total);
  }
  return result;
}

function times(a: Polynomial, b: Polynomial): Polynomial | undefined {
  let result: Polynomial = new Map();
  for (const [termA, factorA] of a) {
    for (const [termB, factorB] of b) {
      const exponentsB = termB.split(",").map(Number);
      const exponents = termA.split(",").map((exponent, i) => Number(exponent) + (exponentsB[i] ?? 0));
      if (exponents.some((exponent) => exponent > maxDegree)) return undefined;
      result = sum(result, new Map([[exponents.join(), factorA * factorB]]), 1);
    }
  }
  return result;
}

/** The number that a polynomial is, if it has no variables. */
function numberOf(polynomial: Polynomial): number | undefined {
  if (polynomial.size === 0) return 0;
  const [[term = "", factor] = []] = polynomial;
  return polynomial.size === 1 && /^[0,]*$/.test(term) ? factor : undefined;
}

/** The graph around a pattern. */
export interface Surroundings {
  readonly graph: Graph;
  readonly uses: Uses;
}

/** A value as a polynomial in the variables (value names), or undefined if it is none, or needs more than `depth` steps. */
export function polynomialOf(
  { graph, uses }: Surroundings,
  value: string,
  variables: readonly string[],
  depth: number = 7,
): Polynomial | undefined {
  const at = variables.indexOf(value);
  const zeros = variables.map(() => 0);
  if (at !== -1) return new Map([[zeros.with(at, 1).join(), 1]]);
  const scalar = scalarOf(graph, value);
  if (scalar !== undefined) return scalar === 0 ? new Map() : new Map([[zeros.join(), scalar]]);
  const node = uses.producer.get(value);
  if (!node || depth === 0 || !isArithmetic(node)) return undefined;
  const [a, b] = node.inputs.map((name) => polynomialOf({ graph, uses }, name, variables, depth - 1));
  if (!a) return undefined;
  if (node.opType === "Neg") return sum(new Map(), a, -1);
  if (!b) return undefined;
  switch (node.opType) {
    case "Add":
      return sum(a, b, 1);
    case "Sub":
      return sum(a, b, -1);
    case "Mul":
      return times(a, b);
    case "Div": {
      const divisor = numberOf(b);
      return divisor ? times(a, new Map([[zeros.join(), 1 / divisor]])) : undefined;
    }
    default:
      return power(a, numberOf(b), zeros.join());
  }
}

function power(base: Polynomial, exponent: number | undefined, one: string): Polynomial | undefined {
  if (exponent === undefined || !Number.isInteger(exponent) || exponent < 0 || exponent > maxDegree)
    return undefined;
  let result: Polynomial | undefined = new Map([[one, 1]]);
  for (let i = 0; i < exponent && result; i++) result = times(result, base);
  return result;
}
