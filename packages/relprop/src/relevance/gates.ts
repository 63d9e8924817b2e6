/**
 * Finds gates: factors that control how much of a signal passes. A sigmoid's output is one. So are values computed only
 * from gates and constants by moving, averaging, adding and multiplying, if they keep one sign: 1 − σ(z), 2·σ(z), 1 + σ(z)
 * as in x + x·σ(z), or a product of gates. A value that changes sign is a signal: 2·σ(2z) − 1 = tanh(z).
 *
 * Where no factor is such a gate, 1/√v in x·(1/√v) is one: it divides, as in x/√v, where the divisor counts as constant. So
 * normalisations that are spelled out in any way share as those that are recognised.
 */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import { numbersOf, sizeOf } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Operators } from "./operators.ts";
import type { Site } from "./site.ts";
import { unit, zero, type Range } from "./ops/ranges.ts";

/** Constants with more elements are not searched. */
const maxElements = 2 ** 18;

function rangeOfConstant({ constant }: Value): Range | undefined {
  if (!constant || constant.dataType === "string" || sizeOf(constant.dims) > maxElements) return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const number of Array.from(numbersOf(constant))) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  return low <= high ? [low, high] : undefined;
}

const keepsSign = ([low, high]: Range): boolean => low >= 0 || high <= 0;

/** A graph, and what is known of its values. */
interface Known {
  readonly graph: Graph;
  readonly b: GraphBuilder;
  readonly operators: Operators;
  readonly isComputed: (value: Value) => boolean;
  readonly isKnown: (node: Node) => boolean;
  readonly siteOf: (node: Node) => Site;
}

/** Names of the gates of a graph. */
export function gateValues(known: Known): Set<string> {
  const gates = openingGates(known);
  for (const name of divisors(known, gates)) gates.add(name);
  return gates;
}

/** Families that keep a divisor a divisor, if no other input is computed. */
const keepDivisors: ReadonlySet<string | undefined> = new Set(["gate", "affine", "routing"]);

/** Factors 1/v, times constants and moved, of products without a gate. */
function divisors(
  { graph, b, operators: { rowOf }, isComputed, isKnown, siteOf }: Known,
  gates: Set<string>,
) {
  const inverse = new Set<string>();
  const found = new Set<string>();
  const others = new Set<string>();
  for (const node of graph.nodes) {
    const row = rowOf(node);
    const inputs = node.inputs.filter((name) => {
      const value = b.values.get(name);
      return value !== undefined && isComputed(value);
    });
    const [only = ""] = inputs;
    const isMoved = inputs.length === 1 && inverse.has(only) && keepDivisors.has(row?.family);
    if (isMoved || (row && isKnown(node) && row.inverts(siteOf(node))))
      for (const name of node.outputs) inverse.add(name);
    if (row?.family !== "gate" || inputs.length < 2) continue;
    const dividing = inputs.filter((name) => inverse.has(name));
    const isDivision = dividing.length === 1 && !inputs.some((name) => gates.has(name));
    for (const name of dividing) (isDivision ? found : others).add(name);
  }
  // A factor that is a signal elsewhere stays one.
  return [...found].filter((name) => !others.has(name));
}

/** Names of the gates that go from closed to open. */
function openingGates({ graph, b: { values }, operators: { rowOf, relevantOutputs } }: Known): Set<string> {
  const ranges = new Map<string, Range>();
  const rangeOf = (name: string): Range | undefined => {
    const value = values.get(name);
    return name === "" ? zero : (ranges.get(name) ?? (value && rangeOfConstant(value)));
  };
  for (const node of graph.nodes) {
    const row = rowOf(node);
    const isMade = row?.range !== undefined && node.inputs.some((name) => ranges.has(name));
    const range = row?.gates ? unit : isMade ? row?.range?.(node.inputs.map(rangeOf), node) : undefined;
    if (range) for (const name of relevantOutputs(node)) ranges.set(name, range);
  }
  return new Set([...ranges].flatMap(([name, range]) => (keepsSign(range) ? [name] : [])));
}
