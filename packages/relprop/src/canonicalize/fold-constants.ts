/**
 * Replaces values that no input can change by initializers: shape arithmetic, masks, position tables, small expressions
 * of weights. It stores what other nodes use, not intermediate results. Large results (weights that the graph
 * standardises or transposes) are left to the runtime, which computes them far faster; so is a node whose output is much
 * larger than its inputs (an Expand), since the node makes the smaller file. Nodes and initializers that nothing needs
 * any more are removed.
 */

import { capturedNames, readBy } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { ConstantExpressions, maxElements } from "./constant-expressions.ts";
import { fixedShape } from "./constants.ts";
import { type Rewrite, constantNames, edited, isOnnx, withoutDead } from "./rewrite.ts";

/** A result with more elements must not be larger than the inputs that it is computed from. */
const maxExpanded = 4096;

/** The needed outputs of a node as constants; undefined if one of them cannot or should not be stored. */
function constantOutputs(
  node: Node,
  needed: readonly string[],
  values: ReadonlyMap<string, Value>,
  expressions: ConstantExpressions,
): ReadonlyMap<string, Tensor> | undefined {
  const tensors = new Map<string, Tensor>();
  for (const name of needed) {
    const dims = fixedShape(values.get(name));
    if (dims && sizeOf(dims) > maxElements) return undefined;
    const tensor = expressions.tensor(name);
    if (!tensor) return undefined;
    const size = sizeOf(tensor.dims);
    if (size > maxElements) return undefined;
    tensors.set(name, tensor);
    if (size <= maxExpanded) continue;
    const inputs = readBy(node).map((input) => (input === "" ? undefined : expressions.tensor(input)));
    const given = inputs.reduce((sum, input) => sum + (input ? sizeOf(input.dims) : 0), 0);
    if (size > given) return undefined;
  }
  return tensors;
}

export const foldConstants: Rewrite = {
  name: "fold-constants",
  about: "constant expressions and shape arithmetic become initializers",
  removes: "constants",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const expressions = new ConstantExpressions(graph, values);
    const constants = constantNames(graph, (name) =>
      Boolean(values.get(name)?.elements?.every((element) => typeof element === "number")),
    );
    const outputs = new Set(graph.outputs.map((output) => output.name));
    const needed = new Set([...outputs, ...capturedNames(graph)]);
    const initializers = new Map(graph.initializers);
    const replace = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes.toReversed()) {
      const wanted = node.outputs.filter((output) => needed.has(output));
      const isConstant = node.outputs.every((output) => output === "" || constants.has(output));
      if (isConstant) {
        if (wanted.length === 0) continue;
        // An output of the graph needs a node that computes it.
        const foldable = isOnnx(node, node.opType) || node.body !== undefined;
        const folded =
          foldable && !wanted.some((name) => outputs.has(name))
            ? constantOutputs(node, wanted, values, expressions)
            : undefined;
        if (folded) {
          for (const [name, tensor] of folded) initializers.set(name, tensor);
          replace.set(node, []);
          continue;
        }
      }
      for (const name of readBy(node)) needed.add(name);
    }
    return withoutDead(replace.size === 0 ? graph : edited(graph, { replace, initializers }));
  },
};
