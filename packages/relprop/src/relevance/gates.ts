/**
 * Finds gates: factors that control how much of a signal passes. A sigmoid's output is one. So are values computed only
 * from gates and constants by moving, averaging, adding and multiplying, if they keep one sign: 1 − σ(z), 2·σ(z), 1 + σ(z)
 * as in x + x·σ(z), or a product of gates. A value that changes sign is a signal: 2·σ(2z) − 1 = tanh(z).
 */

import type { Graph, Value } from "../onnx/graph.ts";
import { numbersOf, sizeOf } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Operators } from "./operators.ts";
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

/** Names of the gates of a graph. */
export function gateValues({
  graph,
  b: { values },
  operators: { rowOf, relevantOutputs },
}: {
  readonly graph: Graph;
  readonly b: GraphBuilder;
  readonly operators: Operators;
}): Set<string> {
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
