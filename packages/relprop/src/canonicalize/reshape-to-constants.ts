/**
 * Reshape(x, [N, 197, 3, 64]), the target computed from x's own sizes → Reshape(x, [0, 197, 3, 64]), a constant: 0 is
 * "as in x", −1 "the rest". So the arithmetic of sizes (Shape, Gather, Concat) goes away although the batch stays open.
 */

import {
  type Graph,
  type Node,
  type Shape,
  type Tensor,
  type Value,
  numberAttribute,
} from "../onnx/graph.ts";
import { int64Tensor } from "../onnx/tensor.ts";
import { type Rewrite, edited, isOnnx, namer, withoutDead } from "./rewrite.ts";

/** The target as constants, or undefined if more than one size is open, or a size is 0, which means something else. */
function constantTarget(x: Shape, y: Shape): number[] | undefined {
  const target = y.map((dim, i) => (typeof dim === "number" ? dim : dim === x[i] ? 0 : -1));
  const isClear = !y.includes(0) && target.filter((size) => size === -1).length <= 1;
  return isClear ? target : undefined;
}

export const reshapeToConstants: Rewrite = {
  name: "reshape-to-constants",
  about: "a Reshape to sizes of its input gets a constant target, open sizes as 0 or -1",
  takesAway: "constants",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const newName = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    for (const node of graph.nodes) {
      if (!isOnnx(node, "Reshape") || numberAttribute(node, "allowzero", 0) === 1) continue;
      const [data = "", target = ""] = node.inputs;
      const [x, y] = [values.get(data), values.get(node.outputs[0] ?? "")];
      if (graph.initializers.has(target) || !x || !y) continue;
      const sizes = constantTarget(x.shape, y.shape);
      if (!sizes) continue;
      const name = newName(`${node.name}_shape`);
      initializers.set(name, int64Tensor(sizes));
      replace.set(node, [{ ...node, inputs: [data, name] }]);
    }
    return replace.size === 0 ? graph : withoutDead(edited(graph, { replace, initializers }));
  },
};
