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
  type Subgraph,
  type TensorInfo,
  type Value,
  operatorKey,
  subgraphsOf,
} from "./graph.ts";
import { constantInfo, contradiction, freshDim, showShape } from "./operators/inferring.ts";
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
  const infos = rule?.(node, inputs, (...given) => inferSubgraph(others, ...given));
  for (const { shape } of infos ?? [])
    if (shape.some((dim) => typeof dim === "number" && !(Number.isSafeInteger(dim) && dim >= 0)))
      throw contradiction(node, `its output would have the shape ${showShape(shape)}`);
  return infos;
}

/** What is known of the outputs of a graph inside of a node. Nothing is known of the values that it takes from around it. */
function inferSubgraph(
  others: OperatorShapes | undefined,
  graph: Subgraph,
  inputs: Inputs,
  outputs: Inputs,
): Inputs {
  const given = new Map(graph.outputs.map(({ name }, i) => [name, outputs[i]]));
  const known = new Map<string, TensorInfo | undefined>();
  for (const [name, tensor] of graph.initializers) known.set(name, constantInfo(tensor));
  for (const [i, { name }] of graph.inputs.entries()) known.set(name, inputs[i]);
  for (const node of graph.nodes) {
    const read = node.inputs.map((name) => known.get(name));
    const isKnown = node.inputs.every((name, i) => name === "" || read[i]);
    const infos = isKnown ? tryInfer(node, read, others) : undefined;
    for (const [i, name] of node.outputs.entries()) known.set(name, infos?.[i] ?? given.get(name));
  }
  return graph.outputs.map(({ name }) => known.get(name));
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
    const infos = infosOf(node, values, graph.shapes);
    for (const [i, name] of node.outputs.entries()) {
      const info = infos?.[i] ?? declared.get(name) ?? graph.hints?.get(name);
      if (name !== "" && info) define(name, info);
    }
  }
  return values;
}

/** What is known of a node's outputs from values that are known. */
function infosOf(
  node: Node,
  values: ReadonlyMap<string, TensorInfo>,
  others: OperatorShapes | undefined,
): readonly (TensorInfo | undefined)[] | undefined {
  if (!node.inputs.every((name) => name === "" || values.has(name))) return undefined;
  const infos = tryInfer(
    node,
    node.inputs.map((name) => values.get(name)),
    others,
  );
  if (infos) return infos;
  const [first, ...branches] = subgraphsOf(node);
  // Branches have no inputs of their own; what the body of a loop gives depends on its turns.
  if (!first || [first, ...branches].some(({ inputs }) => inputs.length > 0)) return undefined;
  return branches.reduce(
    (sofar, branch) => {
      const more = outputsOf(branch, values, others);
      return sofar.map((info, i) => common(info, more[i], (axis) => freshDim(node, axis, i)));
    },
    outputsOf(first, values, others),
  );
}

/** What is known of a branch's outputs. */
function outputsOf(
  { initializers, nodes, outputs }: Subgraph,
  outer: ReadonlyMap<string, TensorInfo>,
  others: OperatorShapes | undefined,
): readonly (TensorInfo | undefined)[] {
  const values = new Map(outer);
  for (const [name, tensor] of initializers) values.set(name, constantInfo(tensor));
  for (const node of nodes) {
    const infos = infosOf(node, values, others);
    for (const [i, name] of node.outputs.entries()) {
      const info = infos?.[i];
      if (name !== "" && info) values.set(name, info);
    }
  }
  return outputs.map(({ name }) => values.get(name));
}

/** What two branches have in common: the type, and the sizes in which they agree. */
function common(
  a: TensorInfo | undefined,
  c: TensorInfo | undefined,
  fresh: (axis: number) => string,
): TensorInfo | undefined {
  if (!a || !c || a.dataType !== c.dataType || a.shape.length !== c.shape.length) return undefined;
  const shape = a.shape.map((size, axis) => (size === c.shape[axis] ? size : fresh(axis)));
  return { dataType: a.dataType, shape };
}
