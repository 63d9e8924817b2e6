/**
 * Joins MatMul(x, W) + b, with a constant matrix W [C, K] and a constant bias b [K], into `Linear`(x, W, b) (domain
 * "relprop"): exporters write linear layers so for inputs of more than two axes. The body is the two nodes, and the
 * FakeQuantize between them in a quantized model.
 */

import { type Graph, type Node, type Value } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { isFloat } from "./constants.ts";
import { type Refuse, type Rewrite, constantNames, edited, isOnnx } from "./rewrite.ts";
import { Unquantized } from "./unquantized.ts";

/** Whether a node is a `Linear` of canonical form. */
export const isLinear = (node: Node): boolean => node.opType === "Linear" && node.domain === "relprop";

/** A Linear with this body, which computes it. */
export function linearOver(body: readonly Node[], inputs: readonly string[]): Node {
  const last = body.at(-1);
  const name = body[0]?.name ?? "";
  return {
    name,
    opType: "Linear",
    domain: "relprop",
    inputs,
    outputs: last?.outputs ?? [],
    attributes: {},
    body,
  };
}

/** A new Linear. `product` names the value between MatMul and Add; without a bias ("") there is no Add. */
export function linearNode(
  name: string,
  [x, weight, bias]: readonly [string, string, string],
  output: string,
  product: string,
): Node {
  const matMul = onnxNode("MatMul", [x, weight], [bias === "" ? output : product], {}, name);
  const add = onnxNode("Add", [product, bias], [output], {}, `${name}_bias`);
  return linearOver(bias === "" ? [matMul] : [matMul, add], [x, weight, bias]);
}

/** Whether a constant is one number per output channel, or one for all, and has no more axes than the output. */
function isBias(bias: Value | undefined, output: Value | undefined): boolean {
  const [last, ...leading] = bias?.shape.toReversed() ?? [];
  if (!bias || !output || bias.shape.length > output.shape.length) return false;
  return (
    leading.every((dim) => dim === 1) && (last === undefined || last === 1 || last === output.shape.at(-1))
  );
}

export const matMulAddToLinear: Rewrite = {
  name: "matmul-add-to-linear",
  about: "MatMul by a constant matrix, and the Add of its bias, become Linear",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const seen = new Unquantized(graph);
    const constants = constantNames(graph);
    const replace = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes) {
      const bare = isLinear(node) && node.inputs[2] === "" && node.body;
      if (!bare && !isOnnx(node, "MatMul")) continue;
      const [x = "", weight = ""] = node.inputs;
      const [product = ""] = node.outputs;
      const known = values.get(weight);
      if (!constants.has(weight) || constants.has(x) || known?.shape.length !== 2 || !isFloat(known))
        continue;
      const otherOf = (user: Node): string => user.inputs.find((name) => seen.rawOf(name) !== product) ?? "";
      const add = seen.usersOf(product).find((user) => {
        const other = otherOf(user);
        return isOnnx(user, "Add") && constants.has(other) && isBias(values.get(other), values.get(product));
      });
      const whole = add && seen.restored({ x: seen.rawOf(x), root: add, nodes: new Set([node, add]) });
      const isAlone = whole && !seen.leakOf(whole) && seen.withoutShared(whole) === whole;
      if (add && !isAlone)
        refuse(add, `its bias is not joined with "${node.name}", whose output is used elsewhere`);
      if (add && isAlone) {
        for (const part of whole.nodes) replace.set(part, []);
        replace.set(add, [linearOver(seen.bodyOf(whole), [x, weight, otherOf(add)])]);
      } else if (!bare) {
        replace.set(node, [linearOver([node], [x, weight, ""])]);
      }
    }
    return replace.size === 0 ? graph : edited(graph, { replace });
  },
};
