/** Values that subgraphs (If, Loop, Scan) take from the graph around them: uses that no input list shows. */

import { fromBinary } from "@bufbuild/protobuf";
import { type Graph, type Node, type Subgraph, subgraphsOf } from "./graph.ts";
import { type AttributeProto, AttributeProtoSchema, type GraphProto } from "./onnx_pb.ts";

function collectProto(graph: GraphProto, names: Set<string>): void {
  for (const node of graph.node) {
    for (const name of node.input) names.add(name);
    for (const attribute of node.attribute) collectAttribute(attribute, names);
  }
  for (const output of graph.output) if (output.name) names.add(output.name);
}

function collectAttribute(attribute: AttributeProto, names: Set<string>): void {
  if (attribute.g) collectProto(attribute.g, names);
  for (const graph of attribute.graphs) collectProto(graph, names);
}

function collect(graph: Subgraph, names: Set<string>): void {
  for (const node of graph.nodes) {
    for (const name of node.inputs) if (name !== "") names.add(name);
    collectNode(node, names);
  }
  for (const output of graph.outputs) if (output.name !== "") names.add(output.name);
}

function collectNode(node: Node, names: Set<string>): void {
  for (const graph of subgraphsOf(node)) collect(graph, names);
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.type === "opaque")
      collectAttribute(fromBinary(AttributeProtoSchema, attribute.value), names);
  }
}

/** Every name that the graphs inside of a node mention; those of their own values are among them. */
export function capturedBy(node: Node): Set<string> {
  const names = new Set<string>();
  collectNode(node, names);
  return names;
}

/** Every name in a node: its own, those of its values, of its body, and of the graphs inside of it. */
export function* namesIn(node: Node): Generator<string> {
  yield node.name;
  yield* node.inputs;
  yield* node.outputs;
  for (const part of node.body ?? []) yield* namesIn(part);
  for (const { inputs, outputs, initializers, nodes } of subgraphsOf(node)) {
    for (const { name } of [...inputs, ...outputs]) yield name;
    yield* initializers.keys();
    for (const inner of nodes) yield* namesIn(inner);
  }
}

/** What a node is computed from: its inputs, and what the graphs inside of it take from around it. */
export const readBy = (node: Node): readonly string[] => {
  const captured = capturedBy(node);
  return captured.size === 0 ? node.inputs : [...node.inputs, ...captured];
};

/** Every name that a subgraph of the graph mentions; those of the subgraph's own values are among them. */
export function capturedNames(graph: Pick<Graph, "nodes">): Set<string> {
  const names = new Set<string>();
  for (const node of graph.nodes) collectNode(node, names);
  return names;
}
