/**
 * Recognises products of one tensor with itself, x·x and x·x·x, as powers: no factor of them gates the other. The model's own Mul
 * is the body.
 */

import { usesOf } from "../onnx/captures.ts";
import type { Graph, Node, Tensor, Value } from "../onnx/graph.ts";
import { float32Tensor, isFloat } from "../onnx/tensor.ts";
import { scalarOf } from "./constants.ts";
import { type Rewrite, constantNames, edited, isOnnx, namer } from "./rewrite.ts";

/** xⁿ for a whole n, by the names of x and the power. */
interface Power {
  readonly x: string;
  readonly n: number;
}

export const recognizePowers: Rewrite = {
  name: "recognize-powers",
  about: "products of a tensor with itself become Pow",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const products = graph.nodes.filter((node) => isOnnx(node, "Mul"));
    if (products.length === 0) return graph;
    const constants = constantNames(graph);
    const { producer } = usesOf(graph);
    const newName = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    const powers = new Map<string, Power>();

    /** What a factor is a power of: what a product, or a Pow of the file, is known to be, or itself. */
    const powerOf = (name: string): Power => {
      const node = producer.get(name);
      const exponent = node && isOnnx(node, "Pow") ? scalarOf(graph, node.inputs[1]) : undefined;
      const isWhole = exponent !== undefined && Number.isInteger(exponent) && exponent > 0;
      const own = isWhole ? { x: node?.inputs[0] ?? "", n: exponent } : { x: name, n: 1 };
      return powers.get(name) ?? own;
    };

    for (const node of products) {
      const [a, b] = node.inputs.map(powerOf);
      const [y = ""] = node.outputs;
      if (!isFloat(values.get(y)?.dataType ?? "int64")) continue;
      if (!a || !b || a.x !== b.x || constants.has(a.x)) continue;
      const n = a.n + b.n;
      powers.set(y, { x: a.x, n });
      const exponent = newName(`${y}_exponent`);
      initializers.set(exponent, float32Tensor([n], []));
      replace.set(node, [{ ...node, opType: "Pow", inputs: [a.x, exponent], attributes: {}, body: [node] }]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
