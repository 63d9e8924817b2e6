/**
 * Replaces an If that squeezes an axis where its size is 1 by the Squeeze:
 *
 *     If(size(x, k) = 1) { Squeeze(x, k) } else { x }      becomes      Squeeze(x, k)
 *
 * PyTorch's scripted exporter writes `x.squeeze(k)` so wherever the size is open. The branches differ in their ranks, and what
 * stands behind is written for one of them. A run with another size fails at the Squeeze, so it gives no relevance at all.
 * An axis of the batch is left alone: both ranks are usual there.
 */

import { wrapped } from "../onnx/axis.ts";
import { usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Value, graphAttribute } from "../onnx/graph.ts";
import { numbersOf, sizeOf } from "../onnx/tensor.ts";
import { ConstantExpressions } from "./constant-expressions.ts";
import { type InlinedSubgraph, inlineSubgraph } from "./inline-subgraph.ts";
import { type Rewrite, edited, identity, isOnnx, namer } from "./rewrite.ts";

/** What a branch gives, past nodes that change nothing: a value from around it, or what a node of it makes. */
function givenBy({ nodes, outputs }: InlinedSubgraph): { readonly name: string; readonly node?: Node } {
  let [name = ""] = outputs;
  for (const node of nodes.toReversed()) {
    if (!node.outputs.includes(name)) continue;
    if (!isOnnx(node, "Identity")) return { name, node };
    name = node.inputs[0] ?? "";
  }
  return { name };
}

/** The one whole number that a value is, or the name of the size that it is. */
function elementOf(name: string, expressions: ConstantExpressions): number | string | undefined {
  const tensor = expressions.tensor(name);
  if (tensor) return sizeOf(tensor.dims) === 1 ? numbersOf(tensor)[0] : undefined;
  const elements = expressions.info(name)?.elements;
  return elements?.length === 1 ? elements[0] : undefined;
}

/** Whether one side of a comparison is 1 and the other a size. */
const comparesWithOne = (sides: readonly unknown[], size: string): boolean =>
  sides.length === 2 && sides.includes(1) && sides.includes(size);

export const ifToSqueeze: Rewrite = {
  name: "if-to-squeeze",
  about:
    "an If that removes an axis where its size is 1 becomes the Squeeze, so that a run with another size fails",
  removes: "control flow",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const nodes = graph.nodes.filter((node) => isOnnx(node, "If") && node.outputs.length === 1);
    if (nodes.length === 0) return graph;
    const newName = namer(graph);
    const { producer } = usesOf(graph);
    const batches = new Set(graph.inputs.map(({ shape }) => shape[0]));
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();

    /** The two sides of a comparison, which may be cast. */
    const sidesOf = (condition: string): readonly string[] => {
      const node = producer.get(condition);
      if (node && isOnnx(node, "Cast", "Identity")) return sidesOf(node.inputs[0] ?? "");
      return node && isOnnx(node, "Equal") ? node.inputs : [];
    };

    for (const node of nodes) {
      const [then, other] = [graphAttribute(node, "then_branch"), graphAttribute(node, "else_branch")];
      const sides = sidesOf(node.inputs[0] ?? "");
      if (!then || !other || sides.length === 0) continue;
      const yes = inlineSubgraph(then, [], newName);
      const { name: given, node: squeeze } = givenBy(yes);
      const kept = givenBy(inlineSubgraph(other, [], newName));
      const [x = "", axes = ""] = squeeze?.inputs ?? [];
      if (!squeeze || !isOnnx(squeeze, "Squeeze") || kept.node || kept.name !== x) continue;
      const expressions = new ConstantExpressions(graph, values);
      expressions.add(yes.nodes, yes.initializers);
      const shape = expressions.info(x)?.shape ?? [];
      const axis = elementOf(axes, expressions);
      const size = typeof axis === "number" ? shape[wrapped(axis, shape.length)] : undefined;
      if (typeof size !== "string" || batches.has(size)) continue;
      const compared = sides.map((name) => elementOf(name, expressions));
      if (!comparesWithOne(compared, size)) continue;
      for (const [name, tensor] of yes.initializers) initializers.set(name, tensor);
      replace.set(node, [...yes.nodes, identity(given, node.outputs[0] ?? "")]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
