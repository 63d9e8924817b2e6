/** Nodes of the model computed with chosen numbers: what a function is, is read from its values. */

import { evaluate } from "../onnx/evaluate.ts";
import type { Node, Tensor } from "../onnx/graph.ts";

/**
 * The first output of a node, or of the one that it is written as; undefined if an input is unknown, or the operator is not
 * computed here.
 * @param known the number of a value
 */
export function computedBy(node: Node, known: (name: string) => Tensor | undefined): Tensor | undefined {
  const inner = node.body?.length === 1 ? (node.body[0] ?? node) : node;
  const inputs = inner.inputs.map((name) => (name === "" ? undefined : known(name)));
  const isKnown = inner.inputs.every((name, i) => name === "" || inputs[i]);
  return isKnown ? evaluate(inner, inputs)?.[0] : undefined;
}
