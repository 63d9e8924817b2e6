/** What becomes of the nodes that rewrites take away, so that people find their own nodes in a canonical graph. */

import type { Graph, Node } from "../onnx/graph.ts";
import type { Rewrite } from "./rewrite.ts";

/** What became of a node that a canonical graph no longer has. */
export interface Fate {
  /** Name of the rewrite that took it away. */
  readonly rewrite: string;
  /**
   * `part`: of another node, which keeps it in its body; `folded`: into another node's weights; `constant`: its output
   * is an initializer; `idle`: its output is its input; `unwrapped`: the nodes inside of it stand in its place;
   * `unneeded`: no output needs it.
   */
  readonly became: "part" | "folded" | "constant" | "idle" | "unwrapped" | "unneeded";
  /** Names of the nodes that do its work now: one for a part, one or more where it was folded, else none. */
  readonly into: readonly string[];
}

/** Names of the nodes that a node stands for, at any depth. */
const partsOf = (node: Node): string[] =>
  (node.body ?? []).flatMap((inner) => [inner.name].concat(partsOf(inner)));

/** The fates of the nodes that a rewrite took from `before` to `after`, by node name. */
export function fatesOf(before: Graph, after: Graph, rewrite: Rewrite): Map<string, Fate> {
  const left = new Set(after.nodes.map((node) => node.name));
  const gone = before.nodes.filter((node) => !left.has(node.name));
  const fates = new Map<string, Fate>();
  if (gone.length === 0) return fates;
  const wholes = new Map(after.nodes.flatMap((node) => partsOf(node).map((part) => [part, node.name])));
  const producer = new Map(after.nodes.flatMap((node) => node.outputs.map((output) => [output, node.name])));
  for (const node of gone) {
    const [output = ""] = node.outputs;
    const fate = (became: Fate["became"], into: readonly string[] = []): void => {
      fates.set(node.name, { rewrite: rewrite.name, became, into });
    };
    const whole = wholes.get(node.name);
    const heir = producer.get(output);
    if (whole !== undefined) fate("part", [whole]);
    else if (after.initializers.has(output)) fate("constant");
    else if (rewrite.takesAway === "what does nothing") fate("idle");
    else if (rewrite.takesAway === "what wraps others") fate("unwrapped");
    else if (rewrite.takesAway === "constants") fate("unneeded");
    else if (heir !== undefined) fate("folded", [heir]);
    else {
      // Folded forwards: whoever used its output has it in its weights. A user that is gone has a fate of its own.
      const users = before.nodes.filter((user) => user.inputs.includes(output)).map((user) => user.name);
      fate("folded", users);
    }
  }
  return fates;
}
