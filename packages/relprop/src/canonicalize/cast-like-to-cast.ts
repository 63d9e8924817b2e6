/** CastLike(x, y) → Cast(x, to the type of y), as soon as that type is known. */

import { dataTypeCodes } from "../onnx/data-types.ts";
import { type Graph, type Node, type Value, int } from "../onnx/graph.ts";
import { type Refuse, type Rewrite, edited, isOnnx } from "./rewrite.ts";

export const castLikeToCast: Rewrite = {
  name: "cast-like-to-cast",
  about: "a CastLike becomes a Cast",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const replace = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes) {
      if (!isOnnx(node, "CastLike")) continue;
      const [x = "", like = ""] = node.inputs;
      const type = values.get(like)?.dataType;
      if (!type) {
        refuse(node, "the type of its second input is not known");
        continue;
      }
      const attributes = { to: int(dataTypeCodes[type]) };
      replace.set(node, [{ ...node, opType: "Cast", inputs: [x], attributes }]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace });
  },
};
