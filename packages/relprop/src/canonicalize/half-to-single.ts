/**
 * float16 and bfloat16 become float32: relevance divides by what may be smaller than half precision can tell from
 * nothing, and runtimes compute both types in float32 or not at all. Inputs and outputs of the model keep their types
 * by way of Cast; what the model computes changes by no more than its own rounding.
 */

import { dataTypeCodes } from "../onnx/data-types.ts";
import {
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  type Value,
  int,
  usesOf,
} from "../onnx/graph.ts";
import { floatTensor, numbersOf } from "../onnx/tensor.ts";
import { type Refuse, type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

const isHalf = (dataType: DataType | undefined): boolean => dataType === "float16" || dataType === "bfloat16";

const halfCodes: ReadonlySet<number> = new Set([dataTypeCodes.float16, dataTypeCodes.bfloat16]);

/** Attributes that hold an element type. */
const typeAttributes = ["to", "dtype", "output_datatype"] as const;

const single = (tensor: Tensor): Tensor =>
  isHalf(tensor.dataType) ? floatTensor("float32", numbersOf(tensor), tensor.dims) : tensor;

function singleAttributes(attributes: Attributes): Attributes {
  const changed = Object.entries(attributes).flatMap(([name, attribute]) => {
    const isType = typeAttributes.some((each) => each === name);
    if (isType && attribute.type === "int" && halfCodes.has(attribute.value))
      return [[name, int(dataTypeCodes.float32)] as const];
    if (attribute.type === "tensor" && isHalf(attribute.value.dataType))
      return [[name, { type: "tensor", value: single(attribute.value) }] as const];
    return [];
  });
  return changed.length === 0 ? attributes : { ...attributes, ...Object.fromEntries(changed) };
}

function singleNode(node: Node): Node {
  const attributes = singleAttributes(node.attributes);
  const body = node.body?.map(singleNode);
  if (attributes === node.attributes && !body?.some((each, i) => each !== node.body?.[i])) return node;
  return { ...node, attributes, ...(body && { body }) };
}

/** A Cast between float32 and a half-precision input or output of the model. */
function isBorder(node: Node, values: ReadonlyMap<string, Value>): boolean {
  const [x, y] = [values.get(node.inputs[0] ?? ""), values.get(node.outputs[0] ?? "")];
  return isOnnx(node, "Cast") && [x, y].some((value) => value?.dataType === "float32");
}

function hasHalf(graph: Graph, values: ReadonlyMap<string, Value>): boolean {
  const isHalfValue = (name: string): boolean => isHalf(values.get(name)?.dataType);
  const outside = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  if ([...values.values()].some(({ name, dataType }) => isHalf(dataType) && !outside.has(name))) return true;
  return graph.nodes.some(
    (node) => [...node.inputs, ...node.outputs].some(isHalfValue) && !isBorder(node, values),
  );
}

/** The float32 tensor that a half-precision output of the model is cast from; any other tensor itself. */
export function singleOf(graph: Graph, name: string): string {
  const output = graph.outputs.find((each) => each.name === name);
  const maker = usesOf(graph).producer.get(name);
  const [from] = maker && isOnnx(maker, "Cast") ? maker.inputs : [];
  return output && isHalf(output.dataType) && from !== undefined ? from : name;
}

const castNode = (name: string, from: string, to: string, dataType: DataType): Node => ({
  name,
  opType: "Cast",
  domain: "",
  inputs: [from],
  outputs: [to],
  attributes: { to: int(dataTypeCodes[dataType]) },
});

export const halfToSingle: Rewrite = {
  name: "half-to-single",
  about:
    "float16 and bfloat16 are computed in float32; inputs and outputs keep their types, and outputs change by no more than their own rounding",
  takesAway: "what does nothing",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    if (!hasHalf(graph, values)) return graph;
    const nested = graph.nodes.find((node) =>
      Object.values(node.attributes).some(({ type }) => type === "graph" || type === "opaque"),
    );
    if (nested) {
      refuse(nested, "it has a graph inside, so the model's half-precision numbers stay as they are");
      return graph;
    }
    const name = namer(graph);
    const rename = new Map<string, string>();
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    for (const [key, tensor] of graph.initializers)
      if (isHalf(tensor.dataType)) initializers.set(key, single(tensor));
    const before: Node[] = [];
    for (const input of graph.inputs.filter(({ dataType }) => isHalf(dataType))) {
      const inner = name(`${input.name}_float32`);
      rename.set(input.name, inner);
      before.push(castNode(inner, input.name, inner, "float32"));
    }
    const after: Node[] = [];
    for (const output of graph.outputs.filter(({ dataType }) => isHalf(dataType))) {
      const inner = rename.get(output.name) ?? name(`${output.name}_float32`);
      rename.set(output.name, inner);
      after.push(castNode(name(`${output.name}_cast`), inner, output.name, output.dataType));
    }
    for (const node of graph.nodes) {
      const changed = singleNode(node);
      if (changed !== node) replace.set(node, [changed]);
    }
    const inside = edited(graph, { replace, rename, initializers });
    return { ...inside, nodes: [...before, ...inside.nodes, ...after] };
  },
};
