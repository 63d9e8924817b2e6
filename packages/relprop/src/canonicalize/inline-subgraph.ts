/** Moves the nodes of a subgraph into the graph around it, under new names. */

import type { Attribute, Node, Subgraph, Tensor } from "../onnx/graph.ts";
import { identity } from "./rewrite.ts";

function renamedGraph(graph: Subgraph, outer: ReadonlyMap<string, string>): Subgraph {
  // Values of the subgraph hide outer values of the same name.
  const own = [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ];
  const names = new Map(outer);
  for (const name of own) names.delete(name);
  const shared = graph.outputs.find(({ name }) => names.has(name));
  const nodes = graph.nodes.map((node) => renamedNode(node, names));
  if (!shared) return { ...graph, nodes };
  // An output that is an outer value is declared under its old name, which an Identity keeps.
  const kept = graph.outputs.flatMap(({ name }) => {
    const from = names.get(name);
    return from === undefined ? [] : [identity(from, name)];
  });
  return { ...graph, nodes: [...nodes, ...kept] };
}

/** The node with values renamed, those that the graphs inside of it read included. */
export function renamedNode(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  const attributes = Object.entries(node.attributes).map(([key, attribute]): [string, Attribute] =>
    attribute.type === "graph"
      ? [key, { type: "graph", value: renamedGraph(attribute.value, names) }]
      : [key, attribute],
  );
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: Object.fromEntries(attributes),
    ...(node.body && { body: node.body.map((part) => renamedNode(part, names)) }),
  };
}

/** A subgraph's nodes and constants under their new names. */
export interface InlinedSubgraph {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** New names of its outputs, in order. */
  readonly outputs: readonly string[];
}

/**
 * Copies a subgraph for use outside of its node.
 * @param inputs the values that replace the subgraph's inputs, in order
 * @param newName returns an unused name
 */
export function inlineSubgraph(
  graph: Subgraph,
  inputs: readonly string[],
  newName: (base: string) => string,
): InlinedSubgraph {
  const names = new Map<string, string>();
  for (const [i, { name }] of graph.inputs.entries()) if (name !== "") names.set(name, inputs[i] ?? "");
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    if (names.has(name)) continue;
    const given = newName(name);
    names.set(name, given);
    initializers.set(given, tensor);
  }
  for (const name of graph.nodes.flatMap(computedNames)) if (name !== "") names.set(name, newName(name));
  const nodes = graph.nodes.map((node) => ({ ...renamedNode(node, names), name: newName(node.name) }));
  return { nodes, initializers, outputs: graph.outputs.map(({ name }) => names.get(name) ?? name) };
}

/** The values that a node, or its body, computes. */
const computedNames = (node: Node): readonly string[] => [
  ...node.outputs,
  ...(node.body ?? []).flatMap(computedNames).filter((name) => !node.outputs.includes(name)),
];
