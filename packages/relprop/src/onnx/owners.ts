/** Which node of the model a node was made for. */

import type { Node, Owner } from "./graph.ts";

/** The node of the model that a node stands for: itself, unless it was made for another. */
export const ownerOf = ({ name, owner }: Node): Owner => owner ?? { node: name };

/** Nodes that stand in a node's place: those that do not go by its name belong to it. */
export const inPlaceOf = (node: Node, made: readonly Node[]): readonly Node[] =>
  made.map((each) => (each.owner || each.name === node.name ? each : { ...each, owner: ownerOf(node) }));

/** As {@link inPlaceOf}, where what they stand for in turn was made, too. */
export const madeFor = (node: Node, made: readonly Node[]): readonly Node[] =>
  inPlaceOf(node, made).map((each) => withBodyFor(node, each));

const withBodyFor = (node: Node, whole: Node): Node =>
  whole.body ? { ...whole, body: madeFor(node, whole.body) } : whole;
