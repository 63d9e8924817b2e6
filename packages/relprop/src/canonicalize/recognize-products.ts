/**
 * Renames MatMul and Einsum of two tensors that both depend on the input, as in attention, to `Product` and `Contraction`
 * (domain "relprop"), so MatMul and Einsum always have constant weights. The body is the node itself.
 */

import type { Graph, Node } from "../onnx/graph.ts";
import { type Rewrite, constantNames, edited, isOnnx } from "./rewrite.ts";

const names: Readonly<Record<string, string>> = { MatMul: "Product", Einsum: "Contraction" };

export const recognizeProducts: Rewrite = {
  name: "recognize-products",
  about: "MatMul and Einsum of two tensors that depend on the input become Product and Contraction",
  removes: "merged nodes",
  apply(graph: Graph): Graph {
    const constants = constantNames(graph);
    const replace = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes) {
      const opType = names[node.opType];
      if (opType === undefined || !isOnnx(node, node.opType)) continue;
      if (node.inputs.filter((name) => !constants.has(name)).length < 2) continue;
      replace.set(node, [{ ...node, opType, domain: "relprop", body: [node] }]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace });
  },
};
