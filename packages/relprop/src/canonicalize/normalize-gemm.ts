/**
 * Brings Gemm into one form: α·op(A)·op(B) + β·C = A'·op(αB) + βC. A Gemm with constant B and C gets α = β = 1, and a
 * Transpose in place of transA.
 */

import {
  type Attributes,
  type Graph,
  type Node,
  type Tensor,
  type Value,
  ints,
  numberAttribute,
} from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { float32Tensor } from "../onnx/tensor.ts";
import { weightsOf } from "./constants.ts";
import { type Refuse, type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

export const normalizeGemm: Rewrite = {
  name: "normalize-gemm",
  about: "alpha and beta of a Gemm are folded into its weights, and transA becomes a Transpose",
  removes: "merged nodes",
  apply(graph: Graph, _values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const name = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    const scaled = (value: string, factor: number): string | undefined => {
      const numbers = weightsOf(graph, value);
      if (!numbers) return undefined;
      const result = name(`${value}_scaled`);
      const product = Float32Array.from(numbers, (number) => number * factor);
      initializers.set(result, float32Tensor(product, graph.initializers.get(value)?.dims ?? []));
      return result;
    };
    for (const node of graph.nodes) {
      if (!isOnnx(node, "Gemm")) continue;
      const alpha = numberAttribute(node, "alpha", 1);
      const beta = numberAttribute(node, "beta", 1);
      const transA = numberAttribute(node, "transA", 0) === 1;
      const [a = "", b = "", c = ""] = node.inputs;
      const scaledB = alpha === 1 ? b : scaled(b, alpha);
      const scaledC = c === "" || beta === 1 ? c : beta === 0 ? "" : scaled(c, beta);
      if (scaledB === undefined || scaledC === undefined) {
        refuse(
          node,
          `it scales ${scaledB === undefined ? b : c}, which is not a float32 constant of the file`,
        );
      }
      const attributes: Record<string, Attributes[string]> = { ...node.attributes };
      if (scaledB !== undefined) delete attributes["alpha"];
      if (scaledC !== undefined) delete attributes["beta"];
      delete attributes["transA"];
      const input = transA ? name(`${node.name}_transposed`) : a;
      const transpose = onnxNode("Transpose", [a], [input], { perm: ints([1, 0]) });
      const inputs = [input, scaledB ?? b, scaledC ?? c].slice(0, (scaledC ?? c) === "" ? 2 : 3);
      const changed =
        inputs.length !== node.inputs.length || inputs.some((value, i) => value !== node.inputs[i]);
      if (changed) replace.set(node, [...(transA ? [transpose] : []), { ...node, inputs, attributes }]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
