/** Puts nodes in topological order. */

import { capturedBy } from "../captures.ts";
import type { Node } from "../graph.ts";
import { type Source, refuse } from "./source.ts";

/** The values a node waits for: its inputs, and what its subgraphs take from outside. */
function needs(node: Node, producer: ReadonlyMap<string, number>): readonly string[] {
  const inputs = node.inputs.filter((name) => name !== "");
  return [...inputs, ...[...capturedBy(node)].filter((name) => producer.has(name))];
}

/**
 * The nodes so that each comes after those it needs: the order of the file, where that is one.
 * @param given names of inputs and constants
 * @throws ModelFileError if a value has two makers or none, or if nodes wait for each other
 */
export function inOrder(source: Source, nodes: readonly Node[], given: ReadonlySet<string>): readonly Node[] {
  const producer = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (producer.has(name) || given.has(name)) {
        throw refuse(source, {
          where: `${node.opType} "${node.name}"`,
          why: `its output "${name}" has another maker too`,
        });
      }
      producer.set(name, index);
    }
  }

  const ordered: Node[] = [];
  const state = new Uint8Array(nodes.length);
  const [waiting, done] = [1, 2];
  const visit = (root: number): void => {
    const stack: { index: number; rest: readonly string[]; next: number }[] = [];
    const enter = (index: number): void => {
      state[index] = waiting;
      stack.push({ index, rest: needs(nodes[index] as Node, producer), next: 0 });
    };
    enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const node = nodes[top.index] as Node;
      const name = top.rest[top.next++];
      if (name === undefined) {
        state[top.index] = done;
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
          why: `nothing makes its input "${name}"`,
          fix: "export the model anew",
        });
      }
      if (state[maker] === waiting) {
        const where = `${node.opType} "${node.name}"`;
        throw refuse(source, { where, why: `it waits for its own output, by way of "${name}"` });
      }
      if (state[maker] !== done) enter(maker);
    }
  };
  for (const index of nodes.keys()) if (state[index] === 0) visit(index);
  return ordered;
}
