/** Graphs as text, for snapshots and for reading. */

import type { Attribute, Graph, Node, Tensor, Value } from "./graph.ts";

const typed = ({ name, dataType, shape }: Value): string => `${name}: ${dataType}[${shape.join(", ")}]`;
const describe = ({ dataType, dims }: Tensor): string => `${dataType}[${dims.join(", ")}]`;

function showAttribute(attribute: Attribute): string {
  switch (attribute.type) {
    case "int":
    case "float":
      return String(attribute.value);
    case "string":
      return JSON.stringify(attribute.value);
    case "ints":
    case "floats":
      return `[${attribute.value.join(", ")}]`;
    case "strings":
      return `[${attribute.value.map((text) => JSON.stringify(text)).join(", ")}]`;
    case "tensor":
      return describe(attribute.value);
    case "graph":
      return `graph of ${attribute.value.nodes.length} nodes`;
    case "opaque":
      return `${attribute.value.length} bytes`;
  }
}

function showNode(node: Node, values: ReadonlyMap<string, Value> | undefined, indent: string): string[] {
  const outputs = node.outputs.map((name) => {
    const value = values?.get(name);
    return value ? `${name}[${value.shape.join(", ")}]` : name || "_";
  });
  const inputs = node.inputs.map((name) => name || "_");
  const attributes = Object.entries(node.attributes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, attribute]) => `${name}=${showAttribute(attribute)}`);
  const operator = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
  const options = attributes.length === 0 ? "" : `<${attributes.join(", ")}>`;
  const line = `${indent}${outputs.join(", ")} = ${operator}${options}(${inputs.join(", ")})`;
  return [line, ...(node.body ?? []).flatMap((part) => showNode(part, values, `${indent}  | `))];
}

/**
 * A graph as text, one line per input, output, initializer and node; the same graph always gives the same text.
 * Nodes that a node stands for are indented below it, absent inputs are `_`. Contents of weights are not shown.
 *
 * @param values what is known of the values (see `inferGraph`): adds the shapes of all outputs
 *
 * @example
 *     input x: float32[N, 3, 8, 8]
 *     output y: float32[N, 4, 6, 6]
 *     constant w: float32[4, 3, 3, 3]
 *     y = Conv<pads=[0, 0, 0, 0]>(x, w)
 */
export function printGraph(graph: Graph, values?: ReadonlyMap<string, Value>): string {
  return [
    ...graph.inputs.map((value) => `input ${typed(value)}`),
    ...graph.outputs.map((value) => `output ${typed(value)}`),
    ...[...graph.initializers].map(([name, tensor]) => `constant ${name}: ${describe(tensor)}`),
    ...graph.nodes.flatMap((node) => showNode(node, values, "")),
  ].join("\n");
}
