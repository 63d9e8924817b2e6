/** A node once more, on other inputs. */

import type { Node } from "./graph.ts";
import { ownerOf } from "./owners.ts";

/**
 * The copy belongs to the node that the original belongs to.
 * @param names new names of values that it reads, or that the nodes of its body read; others stay
 * @param prefix of the names of the copy, of its body, and of all that they give
 */
export function copyOfNode(node: Node, names: ReadonlyMap<string, string>, prefix: string): Node {
  const all = new Map(names);
  for (const name of [node, ...(node.body ?? [])].flatMap(({ outputs }) => outputs))
    if (name !== "") all.set(name, prefix + name);
  return { ...renamed(node, all, prefix), owner: ownerOf(node) };
}

function renamed(node: Node, names: ReadonlyMap<string, string>, prefix: string): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  return {
    ...node,
    name: prefix + node.name,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    ...(node.body && { body: node.body.map((part) => renamed(part, names, prefix)) }),
  };
}
