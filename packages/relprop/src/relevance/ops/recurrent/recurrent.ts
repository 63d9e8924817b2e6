/**
 * Relevance and gradients of recurrent layers. All that depends on the forward pass is computed for all steps at once, from the
 * outputs that the model's own node gives; a Scan carries the relevance of states back, and the product for the input is one.
 */

import { stringAttribute, type Value } from "../../../onnx/graph.ts";
import type { GraphBuilder } from "../../../onnx/graph-builder.ts";
import { scaled, times, type CellRule, type Factor } from "../../cells.ts";
import { placeAt, type KeepsAxis, type Site } from "../../site.ts";
import { refusesActivations } from "./activations.ts";
import { joined, type Cell, type CellOf } from "./cell.ts";
import { at, directionsOf, pick, sequenceOf, type Sequence } from "./sequence.ts";
import { sweep, transposed, type Relevance, type Swept } from "./sweep.ts";

/** What is particular to a kind of layer. */
export interface CellKind {
  /** How many gates its weights have. */
  readonly gates: number;
  /** The activations of a direction, if the node does not name them. */
  readonly usual: readonly string[];
  readonly cell: CellOf;
}

/** One division, in the shape of one direction of the first output: R = s ⊙ (parts + bias + stabilizer). */
export interface CellDivision {
  readonly R: Value;
  readonly s: Value;
  readonly z: Value;
  readonly bias: Value | undefined;
}

/** Relevance that has crossed a layer. */
export interface CrossedCells {
  /** Relevance of inputs, by their index; 0 for those without. */
  readonly inputs: ReadonlyMap<number, Value>;
  /** Relevance that arrived at outputs which are padding, in the shape of the first output; undefined if there is none. */
  readonly padding: () => Value | undefined;
  /** For the ledger. Nothing is built before it is called. */
  readonly divisions: () => readonly CellDivision[];
}

/** A direction that relevance has crossed. */
interface Way {
  readonly sequence: Sequence;
  readonly cell: Cell;
  readonly swept: Swept;
  readonly x: Value | undefined;
}

/**
 * Takes relevance across all directions of a layer.
 * @param arriving relevance of its outputs, undefined where none arrives
 */
export function crossCells(
  site: Site,
  kind: CellKind,
  rule: CellRule,
  arriving: readonly (Value | undefined)[],
): CrossedCells {
  const { b } = site;
  const [y, h, c] = arriving;
  const ways = Array.from({ length: directionsOf(site) }, (_, direction): Way => {
    const sequence = sequenceOf(site, direction, kind);
    const cell = kind.cell(sequence, rule);
    const given = y && pick(b, y, direction, 1);
    const swept = sweep(sequence, cell, rule, {
      y: given && sequence.mask ? b.op("Mul", [given, sequence.mask]) : given,
      h: h && pick(b, h, direction, 0),
      c: c && pick(b, c, direction, 0),
    });
    const back = transposed(b, sequence, sequence.inputWeights, cell.forInput, swept.relevance);
    return { sequence, cell, swept, x: back && scaled(b, back, rule.part(sequence.x)) };
  });
  const mask = ways[0]?.sequence.mask;
  return {
    inputs: inputsOf(b, ways),
    padding: () => y && mask && b.op("Mul", [y, asOutput(b, b.op("Sub", [b.scalar(1), mask]))]),
    divisions: () => ways.flatMap((way) => divisionsOf(b, way, rule)),
  };
}

/** [T, N, H] -> [T, 1, N, H] */
const asOutput = (b: GraphBuilder, v: Value): Value => b.op("Unsqueeze", [v, b.integers([1])]);

function inputsOf(b: GraphBuilder, ways: readonly Way[]): Map<number, Value> {
  const stacked = (values: readonly Value[]): Value =>
    joined(
      b,
      values.map((value) => b.op("Unsqueeze", [value, b.integers([0])])),
      0,
    );
  const ofInput = ways.flatMap(({ x }) => x ?? []);
  const memories = ways.flatMap(({ swept }) => swept.memory ?? []);
  const all = new Map([[at.state, stacked(ways.map(({ swept }) => swept.state))]]);
  if (ofInput.length > 0)
    all.set(
      at.x,
      ofInput.reduce((sum, x) => b.op("Add", [sum, x])),
    );
  if (memories.length > 0) all.set(at.memory, stacked(memories));
  return all;
}

function divisionsOf(b: GraphBuilder, { cell, swept }: Way, rule: CellRule): CellDivision[] {
  const of = (from: keyof Relevance, factor: Factor): Value | undefined => {
    const R = swept.relevance[from];
    const product = R && scaled(b, R, factor);
    return product && asOutput(b, product);
  };
  return cell.divisions.flatMap(({ z, bias, from, relevance }) => {
    const R = of(from, relevance);
    const s = of(from, times(b, relevance, rule.share(z)));
    return R && s ? [{ R, s, z: asOutput(b, z), bias }] : [];
  });
}

/** Why relevance cannot cross a layer. */
export const refusesCells =
  ({ usual, gates }: CellKind) =>
  (site: Site): string | undefined => {
    const { node, inputs } = site;
    const rows = site.input(at.recurrence).shape[1];
    const units = site.input(at.recurrence).shape[2];
    if (typeof rows === "number" && typeof units === "number" && rows !== gates * units)
      return `it has ${rows / gates} units and hands on ${units} numbers (a projection), which ONNX does not define`;
    const direction = stringAttribute(node, "direction", "forward");
    if (!["forward", "reverse", "bidirectional"].includes(direction))
      return `its direction is "${direction}"`;
    const computed = [at.weights, at.recurrence, at.bias, at.peepholes].find((index) => {
      const value = inputs[index];
      return value && site.isComputed(value);
    });
    if (computed !== undefined)
      return "its weights depend on the model's input, and relevance has no rule for that yet";
    return refusesActivations(node, usual, directionsOf(site));
  };

/** Samples: the second axis of the input and of states, the third of the first output. */
export const throughCells: KeepsAxis = (site, place, input, output) => {
  if (place.axis !== 1 || ![at.x, at.state, at.memory].includes(input)) return undefined;
  return placeAt(site, place, output === 0 ? 2 : 1, output);
};
