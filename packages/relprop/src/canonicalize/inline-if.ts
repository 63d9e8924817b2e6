/**
 * Replaces an If whose condition is constant by the nodes of the branch that it takes. Exporters write such an If around
 * Squeeze, to test whether an axis has the size 1, and in loops around the first round.
 * `if-to-where` has the others.
 */

import { type Graph, type Node, type Tensor, type Value, graphAttribute } from "../onnx/graph.ts";
import { numbersOf, sizeOf } from "../onnx/tensor.ts";
import { ConstantExpressions } from "./constant-expressions.ts";
import { inlineSubgraph } from "./inline-subgraph.ts";
import { type Refuse, type Rewrite, edited, identity, isOnnx, namer } from "./rewrite.ts";

export const inlineIf: Rewrite = {
  name: "inline-if",
  about: "an If whose condition is constant becomes the nodes of its branch",
  removes: "control flow",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const nodes = graph.nodes.filter((node) => isOnnx(node, "If"));
    if (nodes.length === 0) return graph;
    const expressions = new ConstantExpressions(graph, values);
    const newName = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    for (const node of nodes) {
      const condition = expressions.tensor(node.inputs[0] ?? "");
      if (!condition || sizeOf(condition.dims) !== 1) continue;
      const branch = graphAttribute(node, numbersOf(condition)[0] ? "then_branch" : "else_branch");
      if (!branch || branch.outputs.length < node.outputs.length) {
        refuse(node, "the branch that its condition chooses is missing, or has too few outputs");
        continue;
      }
      const inlined = inlineSubgraph(branch, [], newName);
      for (const [name, tensor] of inlined.initializers) initializers.set(name, tensor);
      const results = node.outputs.flatMap((name, i) =>
        name === "" ? [] : [identity(inlined.outputs[i] ?? "", name)],
      );
      replace.set(node, [...inlined.nodes, ...results]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
