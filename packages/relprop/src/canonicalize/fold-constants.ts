/**
 * Whatever no input can change becomes an initializer: shape arithmetic that comes out as numbers, masks, position
 * tables, small expressions of weights. Only what other nodes use is stored, not what led there. Two things are left
 * to the runtime: large results, such as weights that the graph standardises or transposes, which it computes far
 * faster and stores once, and a last step that makes much of little (an Expand), which is shorter as a node. Nodes and initializers that nothing
 * needs any more are dropped.
 */

import { capturedNames } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { ConstantExpressions, maxElements } from "./constant-expressions.ts";
import { fixedShape } from "./constants.ts";
import { type Rewrite, constantNames, edited, isOnnx, neededBy, withoutDead } from "./rewrite.ts";

/** Up to this many elements a result may be larger than what it is made from. */
const maxGrown = 4096;

/** The outputs of a node that somebody needs, as constants; undefined if one of them cannot or should not be stored. */
function contents(
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
    const size = tensor && sizeOf(tensor.dims);
    if (size === undefined || size > maxElements) return undefined;
    tensors.set(name, tensor as Tensor);
    if (size <= maxGrown) continue;
    const inputs = neededBy(node).map((input) => (input === "" ? undefined : expressions.tensor(input)));
    const given = inputs.reduce((sum, input) => sum + (input ? sizeOf(input.dims) : 0), 0);
    if (size > given) return undefined;
  }
  return tensors;
}

export const foldConstants: Rewrite = {
  name: "fold-constants",
  about: "constant expressions and shape arithmetic that comes out as numbers become initializers",
  takesAway: "constants",
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
        // An output of the graph must have a node that makes it.
        const foldable = isOnnx(node, node.opType) || node.body !== undefined;
        const folded =
          foldable && !wanted.some((name) => outputs.has(name))
            ? contents(node, wanted, values, expressions)
            : undefined;
        if (folded) {
          for (const [name, tensor] of folded) initializers.set(name, tensor);
          replace.set(node, []);
          continue;
        }
      }
      for (const name of neededBy(node)) needed.add(name);
    }
    return withoutDead(replace.size === 0 ? graph : edited(graph, { replace, initializers }));
  },
};
