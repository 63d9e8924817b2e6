/**
 * Gives a Reshape whose target is computed from the sizes of its input, Reshape(x, [N, 197, 3, 64]), a constant target,
 * Reshape(x, [0, 197, 3, 64]): 0 means "as in x", −1 "the rest". This removes the arithmetic of sizes (Shape, Gather,
 * Concat) and leaves the batch open.
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

/** The target as constants; undefined if more than one size is open, or a size is 0, which would mean "as in x". */
function constantTarget(x: Shape, y: Shape): number[] | undefined {
  const target = y.map((dim, i) => (typeof dim === "number" ? dim : dim === x[i] ? 0 : -1));
  const isClear = !y.includes(0) && target.filter((size) => size === -1).length <= 1;
  return isClear ? target : undefined;
}

export const reshapeToConstants: Rewrite = {
  name: "reshape-to-constants",
  about: "a Reshape to sizes of its input gets a constant target, open sizes as 0 or -1",
  removes: "constants",
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
