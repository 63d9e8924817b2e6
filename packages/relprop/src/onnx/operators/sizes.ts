/**
 * Arithmetic on sizes that may be symbols. A result is a number, or a symbol whose *name is the formula* in a normal
 * form (`2*[channels]*height`, `floor((height+1)/2)`), so that two branches which halve the same height end in sizes
 * that are provably equal: equal names are equal sizes.
 */

import type { Dim } from "../graph.ts";

/** factor · atom · atom … ; atoms are symbols or formulas that are no product. */
interface Monomial {
  readonly factor: number;
  readonly atoms: readonly string[];
}

/** floor((base + add) / divide) */
interface Quotient {
  readonly base: string;
  readonly add: number;
  readonly divide: number;
}

/** Splits at `*` outside of brackets. */
function factorsOf(name: string): string[] {
  const factors: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < name.length; i++) {
    const character = name[i];
    if (character === "[" || character === "(") depth++;
    else if (character === "]" || character === ")") depth--;
    else if (character === "*" && depth === 0) {
      factors.push(name.slice(start, i));
      start = i + 1;
    }
  }
  factors.push(name.slice(start));
  // A symbol of the model may contain a stray "*": then it is one opaque atom.
  return factors.includes("") || depth !== 0 ? [name] : factors;
}

function monomialOf(dim: Dim): Monomial {
  if (typeof dim === "number") return { factor: dim, atoms: [] };
  let factor = 1;
  const atoms: string[] = [];
  const factors = factorsOf(dim);
  for (const part of factors) {
    if (factors.length > 1 && /^\d+$/.test(part)) factor *= Number(part);
    else atoms.push(factors.length > 1 && /^\[.*\]$/.test(part) ? part.slice(1, -1) : part);
  }
  return { factor, atoms };
}

function nameMonomial({ factor, atoms }: Monomial): Dim {
  if (factor === 0 || atoms.length === 0) return factor;
  if (factor === 1 && atoms.length === 1) return atoms[0] ?? 1;
  const parts = atoms
    .toSorted()
    .map((atom) => (/^\w+$/.test(atom) && !/^\d/.test(atom) ? atom : `[${atom}]`));
  return [...(factor === 1 ? [] : [String(factor)]), ...parts].join("*");
}

function quotientOf(name: string): Quotient {
  const floor = /^floor\((.+)\/(\d+)\)$/.exec(name);
  const inner = floor?.[1] ?? name;
  const sum = /^\((.+)([+-]\d+)\)$/.exec(inner);
  return { base: sum?.[1] ?? inner, add: Number(sum?.[2] ?? 0), divide: Number(floor?.[2] ?? 1) };
}

function nameQuotient({ base, add, divide }: Quotient): Dim {
  const sum = add === 0 ? base : `(${base}${add > 0 ? "+" : ""}${add})`;
  return divide === 1 ? sum : `floor(${sum}/${divide})`;
}

/** The product of sizes. */
export function product(dims: readonly Dim[]): Dim {
  let factor = 1;
  const atoms: string[] = [];
  for (const dim of dims) {
    const monomial = monomialOf(dim);
    factor *= monomial.factor;
    atoms.push(...monomial.atoms);
  }
  return nameMonomial({ factor, atoms });
}

/** dividend / divisor where that is exact for all values of the symbols: equal factors cancel. Else undefined. */
export function exactQuotient(dividend: Dim, divisor: Dim): Dim | undefined {
  const over = monomialOf(dividend);
  const under = monomialOf(divisor);
  if (under.factor === 0 || over.factor % under.factor !== 0) return undefined;
  const atoms = [...over.atoms];
  for (const atom of under.atoms) {
    const at = atoms.indexOf(atom);
    if (at === -1) return undefined;
    atoms.splice(at, 1);
  }
  return nameMonomial({ factor: over.factor / under.factor, atoms });
}

/** dim + integer. */
export function plus(dim: Dim, integer: number): Dim {
  if (typeof dim === "number") return dim + integer;
  if (integer === 0) return dim;
  const { base, add, divide } = quotientOf(dim);
  return nameQuotient({ base, add: add + integer * divide, divide });
}

/** floor(dim / divisor) for a positive integer divisor. */
export function floorDivide(dim: Dim, divisor: number): Dim {
  if (typeof dim === "number") return Math.floor(dim / divisor);
  if (divisor === 1) return dim;
  const { base, add, divide } = quotientOf(dim);
  const whole = divide === 1 && add % divisor === 0 ? exactQuotient(base, divisor) : undefined;
  if (whole !== undefined) return plus(whole, add / divisor);
  return nameQuotient({ base, add, divide: divide * divisor });
}
