/** Values that subgraphs (If, Loop, Scan) take from the graph around them: uses that no input list shows. */

import { fromBinary } from "@bufbuild/protobuf";
import type { Graph } from "./graph.ts";
import { type AttributeProto, AttributeProtoSchema, type GraphProto } from "./onnx_pb.ts";

function collect(graph: GraphProto, names: Set<string>): void {
  for (const node of graph.node) {
    for (const name of node.input) names.add(name);
    for (const attribute of node.attribute) collectAttribute(attribute, names);
  }
  for (const output of graph.output) if (output.name) names.add(output.name);
}

function collectAttribute(attribute: AttributeProto, names: Set<string>): void {
  if (attribute.g) collect(attribute.g, names);
  for (const graph of attribute.graphs) collect(graph, names);
}

/** Every name that a subgraph of the graph mentions; those of the subgraph's own values are among them. */
export function capturedNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === "opaque")
        collectAttribute(fromBinary(AttributeProtoSchema, attribute.value), names);
    }
  }
  return names;
}
