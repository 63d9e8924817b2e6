/** Finds values that cannot be negative, at compile time. After ReLU half of every signed rule is zero. */

import type { Graph, Value } from "../onnx/graph.ts";
import { numbersOf, sizeOf } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Operators } from "./operators.ts";
import { siteOf } from "./site.ts";

/** Constants with more elements are not searched, since weights have both signs. */
const smallConstant = 4096;

const isUnsigned = ({ dataType }: Value): boolean => dataType === "bool" || dataType.startsWith("uint");

/** Names of the values of the graph that cannot be negative. */
export function nonNegativeValues({
  graph,
  b,
  operators,
  isComputed,
}: {
  readonly graph: Graph;
  readonly b: GraphBuilder;
  readonly operators: Operators;
  readonly isComputed: (value: Value) => boolean;
}): Set<string> {
  const { values } = b;
  const nonNegative = new Set<string>();
  for (const [name, tensor] of graph.initializers) {
    if (sizeOf(tensor.dims) > smallConstant || tensor.dataType === "string") continue;
    if (Array.prototype.every.call(numbersOf(tensor), (number: number) => number >= 0)) nonNegative.add(name);
  }
  const isNonNegative = (value: Value): boolean => nonNegative.has(value.name);
  for (const node of graph.nodes) {
    const outputs = node.outputs.flatMap((name) => values.get(name) ?? []);
    for (const output of outputs) if (isUnsigned(output)) nonNegative.add(output.name);
    const row = operators.rowOf(node);
    const isKnown = node.inputs.every((name) => name === "" || values.has(name));
    if (!row || !isKnown || outputs.length === 0) continue;
    const inputs = node.inputs.map((name) => values.get(name));
    if (
      row.nonNegative(siteOf({ b, node, inputs, outputs, isComputed, isNonNegative, isGate: () => false }))
    ) {
      for (const output of outputs) nonNegative.add(output.name);
    }
  }
  return nonNegative;
}
