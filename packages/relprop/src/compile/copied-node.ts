/** A node once more, on other inputs. */

import { readBy } from "../onnx/captures.ts";
import type { Node, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { ownerOf } from "../onnx/owners.ts";

/** Of names in the copies, which no exporter uses. */
export const prefix = "lrp/maps/";

/** A node on other inputs, whose body reads them as well. */
export function copied(b: GraphBuilder, node: Node, inputOf: (name: string) => Value): readonly Value[] {
  const names = new Map(readBy(node).map((name) => [name, inputOf(name).name]));
  for (const name of [node, ...(node.body ?? [])].flatMap(({ outputs }) => outputs))
    if (name !== "") names.set(name, prefix + name);
  return b.add({ ...renamed(node, names), owner: ownerOf(node) });
}

function renamed(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  return {
    ...node,
    name: prefix + node.name,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    ...(node.body && { body: node.body.map((part) => renamed(part, names)) }),
  };
}
