/**
 * Shape inference over opset 17: element types, sizes (numbers or symbols) and the elements of shape arithmetic. Sizes
 * that only a run can know get a name of their own; equal names are equal sizes (see operators/sizes.ts).
 */

import { ModelFileError } from "../errors.ts";
import {
  type Graph,
  type Node,
  type OperatorShapes,
  type Shape,
  type TensorInfo,
  type Value,
  operatorKey,
} from "./graph.ts";
import { constantInfo } from "./operators/inferring.ts";
import type { Inputs, ShapeRule } from "./operators/operator.ts";
import { quantizedRules } from "./operators/quantized.ts";
import { operators } from "./operators/table.ts";

const onQuantized = quantizedRules((opType) => operators.get(opType)?.shape);

function ruleOf(opType: string, domain: string): ShapeRule | undefined {
  const isStandard = domain === "" || domain === "ai.onnx";
  const rule = isStandard || domain === "relprop" ? operators.get(opType)?.shape : undefined;
  return rule ?? onQuantized.get(`${isStandard ? "ai.onnx" : domain}/${opType}`);
}

/** Whether {@link inferNode} knows the operator. */
export function canInfer(opType: string, domain: string = ""): boolean {
  return ruleOf(opType, domain) !== undefined;
}

/**
 * As {@link inferNode}, but undefined where the operator or the rank of its outputs is not known.
 * @param others shape rules of operators that are not ONNX's
 */
export function tryInfer(node: Node, inputs: Inputs, others?: OperatorShapes): TensorInfo[] | undefined {
  const rule = others?.get(operatorKey(node)) ?? ruleOf(node.opType, node.domain);
  return rule?.(node, inputs);
}

/**
 * What is known of a node's outputs, in their order. `inputs` are aligned with `node.inputs`, undefined where an
 * optional one is absent.
 * @throws ModelFileError if the inputs contradict the operator, or if the operator is not known.
 */
export function inferNode(
  node: Node,
  inputs: readonly (TensorInfo | undefined)[],
  others?: OperatorShapes,
): TensorInfo[] {
  const infos = tryInfer(node, inputs, others);
  if (infos) return infos;
  const known = canInfer(node.opType, node.domain);
  throw new ModelFileError({
    what: "cannot infer shapes",
    where: `${node.domain === "" ? "" : `${node.domain}.`}${node.opType} "${node.name}"`,
    why: known ? "the rank of its output depends on data" : "the operator is not known",
    fix: "fix the input sizes, or simplify the model (onnxsim, onnxruntime's offline optimisation) so that the node disappears",
  });
}

/**
 * Everything that is known of the graph's values, by name. Values behind operators that cannot be inferred have no
 * entry, unless the file says what they are: outputs of the graph, and values that it has hints on.
 * @param overrides shapes to use instead of the declared or inferred ones, by value name: a fixed input size.
 * @throws ModelFileError if a node's inputs contradict its operator.
 */
export function inferGraph(graph: Graph, overrides?: ReadonlyMap<string, Shape>): Map<string, Value> {
  const values = new Map<string, Value>();
  const define = (name: string, info: TensorInfo): void => {
    const shape = overrides?.get(name) ?? info.shape;
    values.set(name, { ...info, name, shape });
  };
  for (const [name, tensor] of graph.initializers) define(name, constantInfo(tensor));
  for (const value of graph.inputs) if (!values.has(value.name)) define(value.name, value);
  const declared = new Map(graph.outputs.map((value) => [value.name, value]));
  for (const node of graph.nodes) {
    const known = node.inputs.every((name) => name === "" || values.has(name));
    const infos = known
      ? tryInfer(
          node,
          node.inputs.map((name) => values.get(name)),
          graph.shapes,
        )
      : undefined;
    for (const [i, name] of node.outputs.entries()) {
      const info = infos?.[i] ?? declared.get(name) ?? graph.hints?.get(name);
      if (name !== "" && info) define(name, info);
    }
  }
  return values;
}
