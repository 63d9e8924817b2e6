/**
 * Folds affine maps per channel, y = a·x + c, into linear layers: BatchNormalization at inference, and Mul, Div, Add and
 * Sub with a constant.
 *
 *     a·(W x + b) + c = (aW) x + (ab + c)     into the layer before, if the map is the only user of its output
 *     W (a x + c) + b = (Wa) x + (b + W c)    else into all layers behind; c must be 0 where they pad
 *
 * Folding computes in float64 and stores float32. It copies weights that several nodes share.
 */

import { usesOf } from "../onnx/captures.ts";
import type { Graph, Node, Tensor, Value } from "../onnx/graph.ts";
import { channelAffineOf } from "./channel-affine.ts";
import {
  type LinearWeights,
  foldedBefore,
  foldedBehind,
  isZeros,
  linearWeightsOf,
  withWeights,
} from "./linear-weights.ts";
import { type Edit, type Refuse, type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

type Attempt = Edit | { readonly why: string };

interface Place {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, Value>;
  readonly uses: ReturnType<typeof usesOf>;
  readonly name: (base: string) => string;
}

function intoPreceding(node: Node, { graph, values, uses, name }: Place): Attempt {
  const data = node.inputs.filter((input) => !graph.initializers.has(input));
  const producer = uses.producer.get(data[0] ?? "");
  if (data.length !== 1 || !producer) return { why: "no node computes its input" };
  const linear = linearWeightsOf(producer, graph, values);
  if ("why" in linear) return linear;
  const affine = channelAffineOf(node, graph, values, linear.channelAxis);
  if (!affine) return { why: `it is not one constant factor and shift per channel of "${producer.name}"` };
  if ((uses.consumers.get(affine.x)?.length ?? 0) > 1 || uses.isOutput(affine.x)) {
    return { why: `the output of "${producer.name}" is used elsewhere, too` };
  }
  const built = withWeights(linear, foldedBehind(linear, affine), name, node);
  return {
    replace: new Map([
      [producer, [built.node]],
      [node, []],
    ]),
    initializers: built.initializers,
  };
}

function intoFollowing(node: Node, { graph, values, uses, name }: Place): Attempt {
  const [y = ""] = node.outputs;
  const consumers = uses.consumers.get(y) ?? [];
  if (uses.isOutput(y) || consumers.length === 0) return { why: "its output is an output of the model" };
  const replace = new Map<Node, readonly Node[]>([[node, []]]);
  const initializers = new Map<string, Tensor>();
  for (const consumer of consumers) {
    const linear: LinearWeights | { readonly why: string } = linearWeightsOf(consumer, graph, values);
    if ("why" in linear) return linear;
    if (linear.isKernel) return { why: `"${consumer.name}" computes with whole numbers` };
    const affine = channelAffineOf(node, graph, values, linear.channelAxis);
    if (!affine || consumer.inputs[0] !== y || consumer.inputs.indexOf(y, 1) !== -1) {
      return { why: `it is not one constant factor and shift per input channel of "${consumer.name}"` };
    }
    if (!linear.takesShift && !isZeros(affine.shift)) {
      return { why: `"${consumer.name}" pads, so its border would miss the shift` };
    }
    const built = withWeights(linear, foldedBefore(linear, affine), name);
    replace.set(consumer, [built.node]);
    for (const [key, tensor] of built.initializers) initializers.set(key, tensor);
  }
  return { replace, initializers };
}

/** The graph after one fold, or undefined if none is left. Folding one at a time folds whole chains into one layer. */
function foldOne(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph | undefined {
  const place = { graph, values, uses: usesOf(graph), name: namer(graph) };
  for (const node of graph.nodes) {
    if (!isOnnx(node, "BatchNormalization", "Mul", "Div", "Add", "Sub")) continue;
    const before = intoPreceding(node, place);
    if (!("why" in before)) return edited(graph, before);
    const behind = intoFollowing(node, place);
    if (!("why" in behind)) return edited(graph, behind);
    if (isOnnx(node, "BatchNormalization"))
      refuse(node, `it stays a layer of its own: ${before.why}, and ${behind.why}`);
  }
  return undefined;
}

export const foldAffine: Rewrite = {
  name: "fold-affine",
  about:
    "BatchNormalization, and Mul, Div, Add and Sub by one constant per channel, are folded into the layer before or behind",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    let result = graph;
    let refusals: [Node, string][] = [];
    // Each fold removes a node, so there are at most as many folds as nodes.
    for (const _ of graph.nodes) {
      // A fold may make possible what was refused before it.
      refusals = [];
      const next = foldOne(result, values, (node, why) => refusals.push([node, why]));
      if (!next) break;
      result = next;
    }
    for (const [node, why] of refusals) refuse(node, why);
    return result;
  },
};
