/** Records what rewrites do with the nodes they remove, so users find their own nodes in a canonical graph. */

import { readBy } from "../onnx/captures.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Rewrite } from "./rewrite.ts";

/** A node of the model that its canonical graph no longer has. */
export interface RemovedNode {
  /** Name of the rewrite that removed it. */
  readonly rewrite: string;
  /**
   * - `part`: it is in the body of another node
   * - `folded`: it is in the weights of other nodes
   * - `constant`: its output is an initializer
   * - `idle`: its output is its input
   * - `unwrapped`: the nodes of its subgraph replace it
   * - `unneeded`: no output needs it
   */
  readonly became: "part" | "folded" | "constant" | "idle" | "unwrapped" | "unneeded";
  /** Names of the nodes that do its work now, for `part` (one) and `folded`; else empty. */
  readonly into: readonly string[];
}

/** Names of the nodes in a node's body, at any depth. */
const partsOf = (node: Node): string[] =>
  (node.body ?? []).flatMap((inner) => [inner.name].concat(partsOf(inner)));

/** The nodes that a rewrite removed on the way from `before` to `after`, by name. */
export function findRemovedNodes(before: Graph, after: Graph, rewrite: Rewrite): Map<string, RemovedNode> {
  const remaining = new Set(after.nodes.map((node) => node.name));
  const missing = before.nodes.filter((node) => !remaining.has(node.name));
  const removed = new Map<string, RemovedNode>();
  if (missing.length === 0) return removed;
  const wholes = new Map(after.nodes.flatMap((node) => partsOf(node).map((part) => [part, node.name])));
  const producer = new Map(after.nodes.flatMap((node) => node.outputs.map((output) => [output, node.name])));
  for (const node of missing) {
    const [output = ""] = node.outputs;
    const record = (became: RemovedNode["became"], into: readonly string[] = []): void => {
      removed.set(node.name, { rewrite: rewrite.name, became, into });
    };
    const whole = wholes.get(node.name);
    const successor = producer.get(output);
    if (whole !== undefined) record("part", [whole]);
    else if (after.initializers.has(output)) record("constant");
    else if (rewrite.removes === "no-ops") record("idle");
    else if (rewrite.removes === "control flow") record("unwrapped");
    else if (rewrite.removes === "constants") record("unneeded");
    else if (successor !== undefined) record("folded", [successor]);
    else {
      // Nothing computes its output any more, so it was folded into the nodes that read the output.
      const users = before.nodes.filter((user) => readBy(user).includes(output)).map((user) => user.name);
      record("folded", users);
    }
  }
  return removed;
}
