/** Sorts nodes topologically. */

import { readBy } from "../captures.ts";
import type { Node } from "../graph.ts";
import { type Source, refuse } from "./source.ts";

/**
 * Sorts nodes so each comes after those that it needs; nodes that are sorted keep their order.
 * @param given names of inputs and constants
 * @throws ModelFileError if two nodes or none compute a value, or nodes form a cycle
 */
export function sortedNodes(
  source: Source,
  nodes: readonly Node[],
  given: ReadonlySet<string>,
): readonly Node[] {
  const producer = new Map<string, Node>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (producer.has(name) || given.has(name)) {
        throw refuse(source, {
          where: `${node.opType} "${node.name}"`,
          why: `another node or constant also gives its output "${name}"`,
        });
      }
      producer.set(name, node);
    }
  }

  const ordered: Node[] = [];
  const state = new Map<Node, "waiting" | "done">();
  const visit = (root: Node): void => {
    const stack: { node: Node; needed: readonly string[]; next: number }[] = [];
    const enter = (node: Node): void => {
      state.set(node, "waiting");
      stack.push({ node, needed: readBy(node), next: 0 });
    };
    enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { node } = top;
      const name = top.needed[top.next++];
      if (name === undefined) {
        state.set(node, "done");
        ordered.push(node);
        stack.pop();
        continue;
      }
      const maker = producer.get(name);
      if (maker === undefined) {
        if (given.has(name)) continue;
        const where = `${node.opType} "${node.name}"`;
        throw refuse(source, {
          where,
          why: `no node computes its input "${name}"`,
          fix: "export the model anew",
        });
      }
      if (state.get(maker) === "waiting") {
        const where = `${node.opType} "${node.name}"`;
        throw refuse(source, { where, why: `it depends on its own output, through "${name}"` });
      }
      if (state.get(maker) !== "done") enter(maker);
    }
  };
  for (const node of nodes) if (!state.has(node)) visit(node);
  return ordered;
}
