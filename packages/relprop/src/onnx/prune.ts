import { readBy } from "./captures.ts";
import { type Graph, type Node, type Value, writtenAs } from "./graph.ts";

/**
 * The graph without nodes and constants that no output needs. Inputs stay, used or not: they are the model's contract.
 * @param values that are kept besides, since they may become outputs yet
 */
export function prune(graph: Graph, values: readonly Pick<Value, "name">[] = []): Graph {
  const needed = new Set([...graph.outputs, ...values].map(({ name }) => name));
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const part of writtenAs(node)) for (const name of readBy(part)) needed.add(name);
  }
  const initializers = new Map([...graph.initializers].filter(([name]) => needed.has(name)));
  return { ...graph, nodes: kept.toReversed(), initializers };
}
