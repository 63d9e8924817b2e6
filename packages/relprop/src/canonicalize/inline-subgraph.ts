/** A graph inside of a node, moved out among the nodes around it, under names of its own. */

import { type Attribute, type Node, type Subgraph, type Tensor } from "../onnx/graph.ts";

/** A node of ai.onnx under its first output's name. */
export const plainNode = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Node["attributes"] = {},
): Node => ({ name: outputs[0] ?? opType, opType, domain: "", inputs, outputs, attributes });

/** A node that gives a value another name. */
export const identity = (from: string, to: string): Node => plainNode("Identity", [from], [to]);

function renamedGraph(graph: Subgraph, outer: ReadonlyMap<string, string>): Subgraph {
  // Its own values hide those outside.
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
  // An output that is a value from outside is declared under its old name: an Identity keeps that.
  const kept = graph.outputs.flatMap(({ name }) => {
    const from = names.get(name);
    return from === undefined ? [] : [identity(from, name)];
  });
  return { ...graph, nodes: [...nodes, ...kept] };
}

function renamedNode(node: Node, names: ReadonlyMap<string, string>): Node {
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

/** A graph that was moved out. */
export interface Inlined {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** What its outputs are called now, in their order. */
  readonly outputs: readonly string[];
}

/**
 * Moves a graph out of its node.
 * @param inputs names that take the place of the graph's inputs, in their order
 * @param newName gives a name that nothing has yet
 */
export function inlineSubgraph(
  graph: Subgraph,
  inputs: readonly string[],
  newName: (base: string) => string,
): Inlined {
  const names = new Map<string, string>();
  for (const [i, { name }] of graph.inputs.entries()) if (name !== "") names.set(name, inputs[i] ?? "");
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    if (names.has(name)) continue;
    const given = newName(name);
    names.set(name, given);
    initializers.set(given, tensor);
  }
  for (const name of graph.nodes.flatMap(namesMade)) if (name !== "") names.set(name, newName(name));
  const nodes = graph.nodes.map((node) => ({ ...renamedNode(node, names), name: newName(node.name) }));
  return { nodes, initializers, outputs: graph.outputs.map(({ name }) => names.get(name) ?? name) };
}

const namesMade = (node: Node): readonly string[] => [
  ...node.outputs,
  ...(node.body ?? []).flatMap(namesMade).filter((name) => !node.outputs.includes(name)),
];
