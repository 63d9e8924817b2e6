/** Copies part of a graph so it runs on other inputs. */

import { UnexplainableError } from "../errors.ts";
import { capturedNames, readBy } from "../onnx/captures.ts";
import { copyOfNode } from "../onnx/copy-of-node.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { prune } from "../onnx/prune.ts";

/** Prefix of the names of copied values; no exporter uses such names. */
const prefix = "lrp/copy/";

/**
 * Adds copies of the nodes that compute `results`, on other inputs. Nodes that do not depend on these inputs (weights,
 * flipped kernels) are not copied.
 * @param b has adopted `graph` already
 * @param bindings new values by the names of the inputs they replace; their batch may differ
 * @returns a function from each of `results` to its copy
 * @throws UnexplainableError if a subgraph (If, Loop) uses a value that is copied
 */
export function inlineGraph(
  b: GraphBuilder,
  graph: Graph,
  bindings: ReadonlyMap<string, Value>,
  results: readonly Value[],
): (result: Value) => Value {
  const { nodes } = prune({ ...graph, outputs: results });
  const names = new Map([...bindings].map(([name, value]) => [name, value.name]));
  const copied = nodes.filter((node) => {
    const depends = readBy(node).some((name) => names.has(name));
    if (depends) for (const name of node.outputs) if (name !== "") names.set(name, prefix + name);
    return depends;
  });
  refuseCaptures({ ...graph, nodes: copied }, names);
  for (const node of copied) b.add(copyOfNode(node, names, prefix));
  return ({ name }) => b.value(names.get(name) ?? name);
}

function refuseCaptures(graph: Graph, names: ReadonlyMap<string, string>): void {
  const captured = [...capturedNames(graph)].find((name) => names.has(name));
  if (captured === undefined) return;
  throw new UnexplainableError({
    what: "cannot run the model on several copies of its input",
    where: `value "${captured}"`,
    why: "a subgraph (If, Loop, Scan) uses it without naming it as an input, and would see the original",
    fix: "choose a method that needs no copies: input-x-gradient or grad-cam",
  });
}
