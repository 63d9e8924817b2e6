/**
 * Reads arithmetic as polynomials, to compare it regardless of how an exporter orders and groups its operators: x·½·(1+e),
 * (x·½)·(1+e) and ½x + ½xe are the same polynomial.
 */

import type { Node } from "../onnx/graph.ts";
import { near, scalarOf, scalarRounding } from "./constants.ts";
import type { PatternContext } from "./pattern-context.ts";
import { isOnnx } from "./rewrite.ts";

/** Coefficients by the exponents of the variables: "1,0" is the first of two variables. Zero coefficients are left out. */
export type Terms = ReadonlyMap<string, number>;

/** A polynomial whose coefficients may have been rounded. */
export interface Polynomial {
  readonly terms: Terms;
  /** Relative rounding error of the coefficients: constants may be stored as float16. */
  readonly rounding: number;
}

const maxDegree = 6;
const arithmetic = ["Add", "Sub", "Mul", "Div", "Neg", "Pow"] as const;

/** Whether a node is one of the operators that polynomials are read from. */
export const isArithmetic = (node: Node): boolean => isOnnx(node, ...arithmetic);

/** Whether a polynomial has the wanted terms, at the precision that its constants were stored in. */
export function samePolynomial({ terms, rounding }: Polynomial, wanted: Terms): boolean {
  return (
    terms.size === wanted.size &&
    [...terms].every(([term, factor]) => near(factor, wanted.get(term) ?? 0, rounding))
  );
}

const exactly = (terms: Terms): Polynomial => ({ terms, rounding: 0 });

function sum(a: Polynomial, b: Polynomial, sign: number): Polynomial {
  const terms = new Map(a.terms);
  for (const [term, factor] of b.terms) {
    const total = (terms.get(term) ?? 0) + sign * factor;
    if (total === 0) terms.delete(term);
    else terms.set(term, total);
  }
  return { terms, rounding: Math.max(a.rounding, b.rounding) };
}

function times(a: Polynomial, b: Polynomial): Polynomial | undefined {
  let result = exactly(new Map());
  for (const [termA, factorA] of a.terms) {
    for (const [termB, factorB] of b.terms) {
      const exponentsB = termB.split(",").map(Number);
      const exponents = termA.split(",").map((exponent, i) => Number(exponent) + (exponentsB[i] ?? 0));
      if (exponents.some((exponent) => exponent > maxDegree)) return undefined;
      result = sum(result, exactly(new Map([[exponents.join(), factorA * factorB]])), 1);
    }
  }
  return { ...result, rounding: a.rounding + b.rounding };
}

/** The value of a polynomial without variables; undefined if it has some. */
function numberOf({ terms }: Polynomial): number | undefined {
  if (terms.size === 0) return 0;
  const [[term = "", factor] = []] = terms;
  return terms.size === 1 && /^[0,]*$/.test(term) ? factor : undefined;
}

/** A value as a polynomial in the variables (value names); undefined if it is not one, or takes more than `depth` steps. */
export function polynomialOf(
  { graph, uses }: PatternContext,
  value: string,
  variables: readonly string[],
  depth: number = 7,
): Polynomial | undefined {
  const at = variables.indexOf(value);
  const zeros = variables.map(() => 0);
  if (at !== -1) return exactly(new Map([[zeros.with(at, 1).join(), 1]]));
  const scalar = scalarOf(graph, value);
  if (scalar !== undefined) {
    const terms = scalar === 0 ? new Map() : new Map([[zeros.join(), scalar]]);
    return { terms, rounding: scalarRounding(graph, value) };
  }
  const node = uses.producer.get(value);
  if (!node || depth === 0 || !isArithmetic(node)) return undefined;
  const [a, b] = node.inputs.map((name) => polynomialOf({ graph, uses }, name, variables, depth - 1));
  if (!a) return undefined;
  if (node.opType === "Neg") return sum(exactly(new Map()), a, -1);
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
      const inverse = divisor ? new Map([[zeros.join(), 1 / divisor]]) : undefined;
      return inverse && times(a, { terms: inverse, rounding: b.rounding });
    }
    default:
      return power(a, b, zeros.join());
  }
}

function power(base: Polynomial, exponent: Polynomial, one: string): Polynomial | undefined {
  const given = numberOf(exponent);
  const whole = Math.round(given ?? -1);
  if (given === undefined || !near(given, whole, exponent.rounding)) return undefined;
  if (whole < 0 || whole > maxDegree) return undefined;
  let result: Polynomial | undefined = exactly(new Map([[one, 1]]));
  for (let i = 0; i < whole && result; i++) result = times(result, base);
  return result;
}
