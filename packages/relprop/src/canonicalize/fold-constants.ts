/**
 * Whatever no input can change becomes an initializer: Constant nodes, shape arithmetic that comes out as numbers, and
 * small expressions of constants. Large expressions (more than a million elements) are left to the runtime, so that a
 * transposed weight is not stored twice. Nodes and initializers that nothing needs any more are dropped.
 */

import { type Graph, type Node, type Tensor, type Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { fixedShape, tensorFrom } from "./constants.ts";
import { evaluate } from "./evaluate.ts";
import { type Rewrite, edited, allUses, isOnnx, withoutDead } from "./rewrite.ts";

const maxElements = 1_000_000;
/** Operators whose output may be far larger than their inputs: a few elements may be stored, a mask may not. */
const growing = ["ConstantOfShape", "Expand", "Range", "Where"];
const maxGrown = 4096;

function content(node: Node, value: Value, constants: ReadonlyMap<string, Tensor>): Tensor | undefined {
  if (value.constant) return value.constant;
  const dims = fixedShape(value);
  if (!dims) return undefined;
  const { elements } = value;
  if (elements?.every((element) => typeof element === "number"))
    return tensorFrom(value.dataType, elements, dims);
  const inputs = node.inputs.map((name) => constants.get(name));
  if (sizeOf(dims) > (isOnnx(node, ...growing) ? maxGrown : maxElements)) return undefined;
  // An absent optional input in the middle (Slice without axes) is rare enough to leave to the runtime.
  return inputs.every((input) => input !== undefined)
    ? evaluate(node, inputs, dims, value.dataType)
    : undefined;
}

export const foldConstants: Rewrite = {
  name: "fold-constants",
  about: "Constant nodes, shape arithmetic and small constant expressions become initializers",
  takesAway: "constants",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const uses = allUses(graph);
    const initializers = new Map(graph.initializers);
    const replace = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes) {
      const [output] = node.outputs;
      if (
        node.outputs.length !== 1 ||
        output === undefined ||
        uses.isOutput(output) ||
        !isOnnx(node, node.opType)
      ) {
        continue;
      }
      const value = values.get(output);
      const tensor = value && content(node, value, initializers);
      if (!tensor) continue;
      initializers.set(output, tensor);
      replace.set(node, []);
    }
    return withoutDead(replace.size === 0 ? graph : edited(graph, { replace, initializers }));
  },
};
