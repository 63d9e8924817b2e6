/**
 * LayerNormalization spelled out, as exporters wrote it before opset 17:
 *
 *     d = x − mean(x),   y = d / √(mean(d²) + ε) · γ + β      over the last axes
 *
 * -> `LayerNormalization`(x, γ, β) with the attributes axis and epsilon (Ba et al. 2016).
 */

import {
  type Graph,
  type Node,
  type Uses,
  type Value,
  float,
  int,
  intsAttribute,
  numberAttribute,
} from "../onnx/graph.ts";
import { sameShape, scalarOf } from "./constants.ts";
import { type Refuse, type Rewrite, allUses, constantNames, edited, isOnnx } from "./rewrite.ts";

interface Core {
  readonly x: string;
  readonly axis: number;
  readonly epsilon: number;
  readonly nodes: readonly Node[];
}

/** The first axis of a mean over the last axes that keeps them; undefined if it is none. */
function meanAxis(node: Node | undefined, rank: number): number | undefined {
  if (!node || !isOnnx(node, "ReduceMean") || numberAttribute(node, "keepdims", 1) !== 1) return undefined;
  const axes = intsAttribute(node, "axes")?.map((axis) => (axis < 0 ? axis + rank : axis));
  const sorted = axes?.toSorted((a, b) => a - b) ?? [];
  const first = sorted[0];
  return first !== undefined && sorted.every((axis, i) => axis === first + i) && sorted.at(-1) === rank - 1
    ? first
    : undefined;
}

/** d / √(mean(d²) + ε), ending in this Div. */
function coreOf(
  div: Node,
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  { producer }: Uses,
): Core | undefined {
  const [d = "", root = ""] = div.inputs;
  const sub = producer.get(d);
  const sqrt = producer.get(root);
  if (!sub || !sqrt || !isOnnx(sub, "Sub") || !isOnnx(sqrt, "Sqrt")) return undefined;
  const [x = "", mean = ""] = sub.inputs;
  const rank = values.get(x)?.shape.length ?? 0;
  const meanNode = producer.get(mean);
  const axis = meanAxis(meanNode, rank);
  const add = producer.get(sqrt.inputs[0] ?? "");
  if (!meanNode || meanNode.inputs[0] !== x || axis === undefined || !add || !isOnnx(add, "Add"))
    return undefined;
  const epsilonName = add.inputs.find((name) => scalarOf(graph, name) !== undefined);
  const variance = producer.get(add.inputs.find((name) => name !== epsilonName) ?? "");
  const epsilon = scalarOf(graph, epsilonName);
  if (!variance || meanAxis(variance, rank) !== axis || epsilon === undefined) return undefined;
  const square = producer.get(variance.inputs[0] ?? "");
  const squares =
    square?.inputs[0] === d &&
    ((isOnnx(square, "Pow") && scalarOf(graph, square.inputs[1]) === 2) ||
      (isOnnx(square, "Mul") && square.inputs[1] === d));
  if (!square || !squares) return undefined;
  return { x, axis, epsilon, nodes: [meanNode, sub, square, variance, add, sqrt, div] };
}

/** The node of this type that alone uses a value, and the constant it takes beside it. */
function onlyWith(
  opType: string,
  value: string,
  uses: Uses,
  constants: ReadonlySet<string>,
): { readonly node: Node; readonly constant: string } | undefined {
  const [node, ...others] = uses.consumers.get(value) ?? [];
  const constant = node?.inputs.find((name) => name !== value);
  if (!node || others.length > 0 || uses.isOutput(value) || !isOnnx(node, opType)) return undefined;
  return constant !== undefined && constants.has(constant) ? { node, constant } : undefined;
}

export const recognizeLayerNorm: Rewrite = {
  name: "recognize-layernorm",
  about: "mean, variance, root, scale and shift spelled out become LayerNormalization",
  takesAway: "what a neighbour does",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const uses = allUses(graph);
    const constants = constantNames(graph);
    const replace = new Map<Node, readonly Node[]>();
    for (const div of graph.nodes) {
      const core = isOnnx(div, "Div") ? coreOf(div, graph, values, uses) : undefined;
      if (!core) continue;
      const known = values.get(core.x);
      // Scale and bias must have the normalised axes' own shape: LayerNormalization stretches them no further.
      const fits = (name: string): boolean => {
        const shape = known?.shape.slice(core.axis);
        return known !== undefined && shape !== undefined && sameShape(values.get(name), { ...known, shape });
      };
      const scale = onlyWith("Mul", div.outputs[0] ?? "", uses, constants);
      if (!scale || !fits(scale.constant)) {
        refuse(
          div,
          "it ends a layer normalisation spelled out, but no scale of the normalised axes' shape follows",
        );
        continue;
      }
      const bias = onlyWith("Add", scale.node.outputs[0] ?? "", uses, constants);
      const shifted = bias && fits(bias.constant) ? bias : undefined;
      const nodes = new Set([...core.nodes, scale.node, ...(shifted ? [shifted.node] : [])]);
      const root = shifted?.node ?? scale.node;
      const leaking = [...nodes].find(
        (node) =>
          node !== root &&
          node.outputs.some(
            (name) => uses.isOutput(name) || uses.consumers.get(name)?.some((user) => !nodes.has(user)),
          ),
      );
      if (leaking) {
        refuse(
          root,
          `it ends a layer normalisation spelled out, but "${leaking.name}" inside of it is used elsewhere`,
        );
        continue;
      }
      for (const node of nodes) replace.set(node, []);
      const layerNorm: Node = {
        name: root.name,
        opType: "LayerNormalization",
        domain: "",
        inputs: [core.x, scale.constant, ...(shifted ? [shifted.constant] : [])],
        outputs: root.outputs,
        attributes: { axis: int(core.axis), epsilon: float(core.epsilon) },
        body: graph.nodes.filter((node) => nodes.has(node)),
      };
      replace.set(root, [layerNorm]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace });
  },
};
