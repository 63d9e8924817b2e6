/** A cell as the sweep takes it: how relevance crosses one step, as factors that are known for all steps before it starts. */

import { int, ints, type Value } from "../../../onnx/graph.ts";
import type { GraphBuilder } from "../../../onnx/graph-builder.ts";
import { times, type CellRule, type Factor } from "../../cells.ts";
import { cut, type Sequence } from "./sequence.ts";

/** The relevance that a factor is for: of a step's output h, of its memory c, or of what comes out of the {@link Nested} product. */
export type Source = "h" | "c" | "nested";

/** The relevance that the linear part of a gate hands to its products, s = R / S(z), as a factor. */
export interface Part {
  readonly gate: number;
  readonly from: Source;
  readonly factor: Factor;
}

/** One division, for the ledger: R = s ⊙ (parts + bias + stabilizer). */
export interface Division {
  readonly z: Value;
  readonly bias: Value | undefined;
  readonly from: Source;
  /** R, as a factor of its source. */
  readonly relevance: Factor;
}

/** A product U(r ⊙ h), whose input is itself a product. */
export interface Nested {
  readonly part: Part;
  /** From what comes out of its transpose to the state before. */
  readonly toState: Factor;
}

/** One step of a cell, backwards. Factors are for [T, N, H]. */
export interface Cell {
  /** From the relevance of h to that of c. */
  readonly toMemory: Factor;
  /** From c to that of the step before; undefined for cells without memory. */
  readonly memory: Factor | undefined;
  /** From h to the state before, past all products. */
  readonly direct: Factor;
  readonly nested: Nested | undefined;
  /** What goes through products to the state before, and to the input. */
  readonly forState: readonly Part[];
  readonly forInput: readonly Part[];
  readonly divisions: readonly Division[];
}

/** Makes the cell of a sequence under a rule. */
export type CellOf = (sequence: Sequence, rule: CellRule) => Cell;

/** Values side by side. */
export const joined = (b: GraphBuilder, parts: readonly Value[], axis: number): Value =>
  parts.length === 1 ? (parts[0] as Value) : b.op("Concat", parts, { axis: int(axis) });

/** The rows of weights that belong to the parts' gates, side by side. */
export function weightsOf(
  { b, gates }: Sequence,
  weights: Value,
  parts: readonly Pick<Part, "gate">[],
): Value {
  if (parts.length === gates && parts.every(({ gate }, i) => gate === i)) return weights;
  const rows = cut(b, weights, gates, 0);
  return joined(
    b,
    parts.map(({ gate }) => rows[gate] as Value),
    0,
  );
}

/** vWᵀ + bias, for all gates side by side. */
function product({ b, c }: Sequence, v: Value, weights: Value, bias: Value | undefined): Value {
  const z = b.op("MatMul", [v, b.op("Transpose", [weights], { perm: ints([1, 0]) })]);
  return bias ? c.add(z, bias) : z;
}

/** Wx + b, gate by gate. */
export const inputParts = (of: Sequence): readonly Value[] =>
  cut(of.b, product(of, of.x, of.inputWeights, of.inputBias), of.gates, -1);

/** Uh + b for the state before, gate by gate. */
export const stateParts = (of: Sequence): readonly Value[] =>
  cut(of.b, product(of, of.hBefore, of.stateWeights, of.stateBias), of.gates, -1);

/** Wx + Uh + b, gate by gate. */
export function linearParts(of: Sequence): readonly Value[] {
  const fromInput = product(of, of.x, of.inputWeights, undefined);
  const fromState = product(of, of.hBefore, of.stateWeights, bothBiases(of));
  return cut(of.b, of.c.add(fromInput, fromState), of.gates, -1);
}

const bothBiases = ({ c, inputBias, stateBias }: Sequence): Value | undefined =>
  inputBias && stateBias && c.add(inputBias, stateBias);

/** The bias of a gate: both of them, that of the input or that of the state. */
export function biasOf(
  of: Sequence,
  gate: number,
  which: "both" | "input" | "state" = "both",
): Value | undefined {
  const whole = which === "both" ? bothBiases(of) : which === "input" ? of.inputBias : of.stateBias;
  return whole && cut(of.b, whole, of.gates, 0)[gate];
}

/** Divides relevance among the parts of sums, and keeps the divisions for the ledger. */
export class Divider {
  readonly divisions: Division[] = [];
  readonly #sequence: Sequence;
  readonly #rule: CellRule;

  constructor(sequence: Sequence, rule: CellRule) {
    this.#sequence = sequence;
    this.#rule = rule;
  }

  /** The factor of the parts of a sum z, for relevance of z that is a factor of its source. */
  divide(z: Value, from: Source, relevance: Factor, bias?: Value): Factor {
    if (relevance === 0) return 0;
    this.divisions.push({ z, bias, from, relevance });
    return times(this.#sequence.b, relevance, this.#rule.share(z));
  }

  /** The same for the linear part z of a gate; nothing if it gets no relevance. */
  part(gate: number, z: Value, from: Source, relevance: Factor): Part[] {
    const factor = this.divide(z, from, relevance, biasOf(this.#sequence, gate));
    return factor === 0 ? [] : [{ gate, from, factor }];
  }
}
