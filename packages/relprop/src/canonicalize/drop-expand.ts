/**
 * Removes an Expand before operators that broadcast: Mul(x, Expand(gate, Shape(x))) → Mul(x, gate). The numbers stay the
 * same to the bit, the graph no longer computes the sizes at run time, and the gate stays small.
 */

import { usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Value } from "../onnx/graph.ts";
import { sameShape } from "./constants.ts";
import { type Rewrite, edited, isOnnx, withoutDead } from "./rewrite.ts";

const broadcasting = (
  "Add Sub Mul Div Pow Mod Min Max Sum Mean And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual Where" as string
).split(" ");

export const dropExpand: Rewrite = {
  name: "drop-expand",
  about: "an Expand whose users broadcast anyway is removed",
  removes: "no-ops",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const uses = usesOf(graph);
    const replace = new Map<Node, readonly Node[]>();
    const rename = new Map<string, string>();
    /** Users of an Expand that this pass removed: the Expand of their other operand must stay. */
    const busy = new Set<Node>();
    for (const node of graph.nodes) {
      const [x = ""] = node.inputs;
      const [y = ""] = node.outputs;
      if (!isOnnx(node, "Expand") || uses.isOutput(y)) continue;
      const users = uses.consumers.get(y) ?? [];
      const isIdle = users.every(
        (user) =>
          isOnnx(user, ...broadcasting) &&
          !busy.has(user) &&
          user.inputs.some((other) => other !== y && sameShape(values.get(other), values.get(y))),
      );
      if (!isIdle) continue;
      for (const user of users) busy.add(user);
      rename.set(y, x);
      replace.set(node, []);
    }
    return replace.size === 0 ? graph : withoutDead(edited(graph, { replace, rename }));
  },
};
