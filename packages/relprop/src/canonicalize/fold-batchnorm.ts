/**
 * A BatchNormalization at inference is y = a·x + c per channel, and so are Mul, Div, Add, Sub with a constant:
 *
 *     a·(W x + b) + c = (aW) x + (ab + c)          into the linear operator before it, if nobody else uses that
 *     W (a x + c) + b = (Wa) x + (b + W c)         else into those behind it: all of them, and c = 0 where they pad
 *
 * Computed in float64, stored as float32. Weights that several nodes share are copied.
 */

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
import { type Edit, type Refuse, type Rewrite, allUses, edited, isOnnx, namer } from "./rewrite.ts";

type Attempt = Edit | { readonly why: string };

interface Place {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, Value>;
  readonly uses: ReturnType<typeof allUses>;
  readonly name: (base: string) => string;
}

function intoPreceding(node: Node, { graph, values, uses, name }: Place): Attempt {
  const data = node.inputs.filter((input) => !graph.initializers.has(input));
  const producer = uses.producer.get(data[0] ?? "");
  if (data.length !== 1 || !producer) return { why: "no node makes its input" };
  const linear = linearWeightsOf(producer, graph, values);
  if ("why" in linear) return linear;
  const affine = channelAffineOf(node, graph, values, linear.outputAxis);
  if (!affine) return { why: `it is not one constant factor and shift per channel of "${producer.name}"` };
  if ((uses.consumers.get(affine.x)?.length ?? 0) > 1 || uses.isOutput(affine.x)) {
    return { why: `the output of "${producer.name}" is used elsewhere, too` };
  }
  const built = withWeights(linear, foldedBehind(linear, affine), name);
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
    const affine = channelAffineOf(node, graph, values, linear.inputAxis);
    if (!affine || consumer.inputs.indexOf(y, 1) !== -1) {
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

/** One fold, or undefined if there is none left. Folds one by one: a chain of them ends in one operator. */
function foldOne(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph | undefined {
  const place = { graph, values, uses: allUses(graph), name: namer(graph) };
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

export const foldBatchNorm: Rewrite = {
  name: "fold-batchnorm",
  about:
    "BatchNormalization, and Mul, Div, Add, Sub by one constant a channel, go into the weights of the layer before or behind",
  takesAway: "what a neighbour does",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    let result = graph;
    let refusals: [Node, string][] = [];
    // Each fold takes away a node.
    for (const _ of graph.nodes) {
      // A fold may make way for what was refused before it.
      refusals = [];
      const next = foldOne(result, values, (node, why) => refusals.push([node, why]));
      if (!next) break;
      result = next;
    }
    for (const [node, why] of refusals) refuse(node, why);
    return result;
  },
};
