/**
 * Turns each BatchNormalization, and each Mul or Div by a constant, that fold-affine.ts left into `Affine`(x, a, c) =
 * a·x + c (domain "relprop"), where a and c are constants that broadcast to x. The body is the node itself. Add and Sub
 * of a constant stay: the rules for sums apply to them.
 */

import type { Graph, Node, Tensor, Value } from "../onnx/graph.ts";
import { float32Tensor } from "../onnx/tensor.ts";
import { batchNormAffine } from "./channel-affine.ts";
import { isFloat, sameShape, weightsOf } from "./constants.ts";
import { type Refuse, type Rewrite, constantNames, edited, isOnnx, namer } from "./rewrite.ts";

const affineOver = (node: Node, x: string, a: string, c: string): Node => ({
  name: node.name,
  opType: "Affine",
  domain: "relprop",
  inputs: [x, a, c],
  outputs: node.outputs.slice(0, 1),
  attributes: {},
  body: [node],
});

export const recognizeAffine: Rewrite = {
  name: "recognize-affine",
  about: "a BatchNormalization, Mul or Div by a constant that could not be folded becomes Affine",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const constants = constantNames(graph);
    const name = namer(graph);
    const initializers = new Map<string, Tensor>();
    const replace = new Map<Node, readonly Node[]>();
    const constant = (base: string, numbers: ArrayLike<number>, dims: readonly number[]): string => {
      const key = name(base);
      initializers.set(key, float32Tensor(Float32Array.from(numbers), dims));
      return key;
    };

    const batchNorm = (node: Node): void => {
      const affine = batchNormAffine(node, graph);
      const rank = values.get(node.inputs[0] ?? "")?.shape.length;
      if (!affine || rank === undefined) {
        refuse(
          node,
          "it trains, its parameters are not float32 constants of the file, or its rank is unknown",
        );
        return;
      }
      const dims = [affine.scale.length, ...Array.from({ length: Math.max(0, rank - 2) }, () => 1)];
      const a = constant(`${node.name}_scale`, affine.scale, dims);
      replace.set(node, [affineOver(node, affine.x, a, constant(`${node.name}_shift`, affine.shift, dims))]);
    };

    const scaling = (node: Node): void => {
      const [left = "", right = ""] = node.inputs;
      const x = constants.has(left) ? right : left;
      const factor = x === left ? right : left;
      if (constants.has(x) || !constants.has(factor)) return;
      const known = values.get(x);
      if (!isFloat(known) || !sameShape(known, values.get(node.outputs[0] ?? ""))) return;
      if (node.opType === "Mul") {
        replace.set(node, [affineOver(node, x, factor, "")]);
        return;
      }
      // A constant divided by x is not an affine map.
      if (x !== left) return;
      const numbers = weightsOf(graph, factor);
      const dims = graph.initializers.get(factor)?.dims;
      if (!numbers || !dims) {
        refuse(node, `it divides by ${factor}, which is not a float32 constant of the file`);
        return;
      }
      const inverse = constant(
        `${node.name}_scale`,
        numbers.map((value) => 1 / value),
        dims,
      );
      replace.set(node, [affineOver(node, x, inverse, "")]);
    };

    for (const node of graph.nodes) {
      if (isOnnx(node, "BatchNormalization")) batchNorm(node);
      else if (isOnnx(node, "Mul", "Div")) scaling(node);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
