/**
 * Brings recurrent layers into one form: steps first (layout 0), since ONNX Runtime has no other, and with all outputs of steps,
 * which relevance is computed from.
 */

import { type Graph, type Node, ints, numberAttribute } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

/** Samples to the second axis: the input, and the states before the first step. */
const inputs = new Map([0, 5, 6].map((index) => [index, [1, 0, 2]]));
/** Samples back to the first axis: all steps' outputs, and the last ones. */
const outputs = [
  [2, 0, 1, 3],
  [1, 0, 2],
  [1, 0, 2],
];

const turned = (from: string, to: string, perm: readonly number[]): Node =>
  onnxNode("Transpose", [from], [to], { perm: ints(perm) });

export const recurrentForms: Rewrite = {
  name: "recurrent-forms",
  about: "LSTM, GRU and RNN have their steps first (layout 0) and give the outputs of all steps",
  removes: "no-ops",
  apply(graph: Graph): Graph {
    const replace = new Map<Node, readonly Node[]>();
    const newName = namer(graph);
    for (const node of graph.nodes) {
      if (!isOnnx(node, "LSTM", "GRU", "RNN")) continue;
      const isBatchFirst = numberAttribute(node, "layout", 0) === 1;
      const [all = "", ...last] = node.outputs;
      if (!isBatchFirst && all !== "") continue;
      const named = withOutputs(node, [all === "" ? newName(`${node.name}_Y`) : all, ...last]);
      replace.set(node, isBatchFirst ? stepsFirst(named, newName) : [named]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace });
  },
};

/** The node with other names for its outputs; a layer of integers that it stands for has the same. */
const withOutputs = (node: Node, names: readonly string[]): Node => ({
  ...node,
  outputs: names,
  ...(node.body && { body: node.body.map((part) => withOutputs(part, names)) }),
});

function stepsFirst(node: Node, newName: (base: string) => string): Node[] {
  const before: Node[] = [];
  const given = node.inputs.map((name, index) => {
    const perm = inputs.get(index);
    if (name === "" || !perm) return name;
    const to = newName(`${name}_steps`);
    before.push(turned(name, to, perm));
    return to;
  });
  const after: Node[] = [];
  const made = node.outputs.map((name, index) => {
    if (name === "") return name;
    const from = newName(`${name}_steps`);
    after.push(turned(from, name, outputs[index] ?? []));
    return from;
  });
  const { layout: _layout, ...attributes } = node.attributes;
  return [...before, { ...node, inputs: given, outputs: made, attributes }, ...after];
}
