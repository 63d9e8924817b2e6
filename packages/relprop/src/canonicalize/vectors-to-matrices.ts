/**
 * Makes matrices of the vectors in products, so that each has a layer's form: with a vector v,
 *
 *     x v   ->  squeeze(x [v]),  [v] of one column
 *     v x   ->  squeeze([v] x),  [v] of one row
 */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { int64Tensor } from "../onnx/tensor.ts";
import { type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

export const vectorsToMatrices: Rewrite = {
  name: "vectors-to-matrices",
  about: "a vector in a MatMul becomes a matrix of one column or row",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const name = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const axes = { column: name("axis_of_columns"), row: name("axis_of_rows"), first: name("first_axis") };
    for (const node of graph.nodes) {
      if (!isOnnx(node, "MatMul")) continue;
      const [a = "", b = ""] = node.inputs;
      const [rankOfA, rankOfB] = [a, b].map((each) => values.get(each)?.shape.length);
      if (!rankOfA || !rankOfB || (rankOfA > 1 && rankOfB > 1)) continue;
      const nodes: Node[] = [];
      const matrix = (vector: string, axis: string): string => {
        const made = name(`${vector}_matrix`);
        nodes.push(onnxNode("Unsqueeze", [vector, axis], [made], {}, name(`${node.name}_matrix`)));
        return made;
      };
      const left = rankOfA === 1 ? matrix(a, axes.first) : a;
      const right = rankOfB === 1 ? matrix(b, axes.column) : b;
      const product = name(`${node.name}_product`);
      const dropped = [...(rankOfA === 1 ? [axes.row] : []), ...(rankOfB === 1 ? [axes.column] : [])];
      nodes.push({ ...node, inputs: [left, right], outputs: [product] });
      let result = product;
      for (const [i, axis] of dropped.entries()) {
        const next = i === dropped.length - 1 ? (node.outputs[0] ?? "") : name(`${node.name}_squeezed`);
        // After the row is gone, the column is the last axis still.
        nodes.push(onnxNode("Squeeze", [result, axis], [next], {}, name(`${node.name}_squeeze`)));
        result = next;
      }
      replace.set(node, nodes);
    }
    if (replace.size === 0) return graph;
    const initializers = new Map([
      [axes.column, int64Tensor([-1])],
      [axes.row, int64Tensor([-2])],
      [axes.first, int64Tensor([0])],
    ]);
    return edited(graph, { replace, initializers });
  },
};
