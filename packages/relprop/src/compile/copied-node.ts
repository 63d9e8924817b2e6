/** Nodes once more, for several maps. */

import { readBy } from "../onnx/captures.ts";
import { copyOfNode } from "../onnx/copy-of-node.ts";
import type { Node, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";

/** Of names in the copies, which no exporter uses. */
export const prefix = "lrp/maps/";

/** A node on other inputs, whose body reads them as well. */
export function copied(b: GraphBuilder, node: Node, inputOf: (name: string) => Value): readonly Value[] {
  const names = new Map(readBy(node).map((name) => [name, inputOf(name).name]));
  return b.add(copyOfNode(node, names, prefix));
}
