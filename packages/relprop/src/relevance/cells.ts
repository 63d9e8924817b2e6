/**
 * What rules and recurrent operators say to each other. Relevance crosses one step of a cell by factors of the relevance that
 * arrives, and these are computed for all steps at once: only the relevance itself goes from step to step.
 */

import type { Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";

/** What relevance is multiplied by: a tensor of its shape, or a number. With 0 nothing passes. */
export type Factor = Value | number;

/** signal ⊙ gate, inside of a cell. */
export interface GatedProduct {
  /** The factor that carries what the product hands on. */
  readonly signal: Value;
  /** The factor that says how much of it passes. */
  readonly gate: Value;
  /** The signal before its activation: what it is made of. A state that is handed on has none, and is its own. */
  readonly signalInput: Value;
  /** The gate before its activation. */
  readonly gateInput: Value;
}

/** How relevance crosses the parts of a cell. */
export interface CellRule {
  /** The division by a sum or a linear part z. */
  readonly share: (z: Value) => Factor;
  /** What a quotient is multiplied by to be the relevance of x, a part of the sum. */
  readonly part: (x: Value) => Factor;
  /** Through an activation of that slope. */
  readonly through: (slope: () => Factor) => Factor;
  /** To both factors of a product. */
  readonly product: (product: GatedProduct) => readonly [signal: Factor, gate: Factor];
  /** S(z) − z, for the ledger; undefined for rules that do not divide. */
  readonly stabiliser?: (z: Value) => Value | undefined;
}

/** The product of factors. */
export const times = (b: GraphBuilder, ...factors: readonly Factor[]): Factor =>
  factors.reduce((a, c) => {
    if (a === 0 || c === 0) return 0;
    if (a === 1 || c === 1) return a === 1 ? c : a;
    if (typeof a === "number" && typeof c === "number") return a * c;
    return b.op("Mul", [asValue(b, a), asValue(b, c)]);
  }, 1);

/** The sum of factors. */
export const plus = (b: GraphBuilder, ...factors: readonly Factor[]): Factor =>
  factors.reduce((a, c) => {
    if (a === 0 || c === 0) return a === 0 ? c : a;
    if (typeof a === "number" && typeof c === "number") return a + c;
    return b.op("Add", [asValue(b, a), asValue(b, c)]);
  }, 0);

/** v ⊙ factor; undefined if nothing passes. */
export function scaled(b: GraphBuilder, v: Value, factor: Factor): Value | undefined {
  const product = times(b, v, factor);
  return product === 0 ? undefined : asValue(b, product);
}

const asValue = (b: GraphBuilder, factor: Factor): Value =>
  typeof factor === "number" ? b.scalar(factor) : factor;
