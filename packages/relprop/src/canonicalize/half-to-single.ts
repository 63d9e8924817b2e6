/**
 * float16 and bfloat16 become float32: relevance divides by what may be smaller than half precision can tell from
 * nothing, and runtimes compute both types in float32 or not at all. Inputs and outputs of the model keep their types
 * by way of Cast; what the model computes changes by no more than its own rounding.
 */

import { capturedBy } from "../onnx/captures.ts";
import { dataTypeCodes } from "../onnx/data-types.ts";
import {
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  type Value,
  int,
  numberAttribute,
  usesOf,
} from "../onnx/graph.ts";
import { tryInfer } from "../onnx/infer-shapes.ts";
import { floatTensor, numbersOf, roundingOf } from "../onnx/tensor.ts";
import { type Rewrite, edited, isOnnx, namer, renamed } from "./rewrite.ts";

const isHalf = (dataType: DataType | undefined): boolean => dataType === "float16" || dataType === "bfloat16";

const halfCodes: ReadonlySet<number> = new Set([dataTypeCodes.float16, dataTypeCodes.bfloat16]);

/** Attributes that hold an element type. */
const typeAttributes = ["to", "dtype", "output_datatype"] as const;

const single = (tensor: Tensor): Tensor =>
  isHalf(tensor.dataType)
    ? { ...floatTensor("float32", numbersOf(tensor), tensor.dims), rounding: roundingOf(tensor) }
    : tensor;

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

/**
 * Whether shape inference knows what a node makes. Of the others nobody can tell which of their values are half-precision:
 * they stay as they are, as do graphs inside of nodes, and what they take and give keeps its type.
 */
function isFollowed(node: Node, values: ReadonlyMap<string, Value>): boolean {
  if (Object.values(node.attributes).some(({ type }) => type === "graph" || type === "opaque")) return false;
  if (node.inputs.some((name) => name !== "" && !values.has(name))) return false;
  const known = tryInfer(
    node,
    node.inputs.map((name) => values.get(name)),
  );
  return known !== undefined && node.outputs.every((name, i) => name === "" || known[i]);
}

/** What a node reads and makes, the graphs inside of it included. */
const touchedBy = (node: Node): string[] => [...node.inputs, ...node.outputs, ...capturedBy(node)];

/** The float32 tensor that a half-precision tensor is cast from; any other tensor itself. */
export function singleOf(graph: Graph, name: string): string {
  const maker = usesOf(graph).producer.get(name);
  const isCast = maker && isOnnx(maker, "Cast") && halfCodes.has(numberAttribute(maker, "to", 0));
  return (isCast && maker.inputs[0]) || name;
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
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const isHalfValue = (name: string): boolean => isHalf(values.get(name)?.dataType);
    if (![...values.keys()].some(isHalfValue)) return graph;
    const followed = new Set(graph.nodes.filter((node) => isFollowed(node, values)));
    /** The half-precision values that stay: what the model, and nodes that stay, take and give. */
    const staying = new Set(
      [
        ...[...graph.inputs, ...graph.outputs].map((value) => value.name),
        ...graph.nodes.flatMap((node) => (followed.has(node) ? [] : touchedBy(node))),
      ].filter(isHalfValue),
    );
    /** A Cast between float32 and a value that stays is as it should be. */
    const isBorder = (node: Node): boolean => {
      const ends = [...node.inputs, ...node.outputs];
      return (
        isOnnx(node, "Cast") &&
        ends.some((name) => values.get(name)?.dataType === "float32") &&
        ends.every((name) => !isHalfValue(name) || staying.has(name))
      );
    };
    const computing = new Set([...followed].filter((node) => !isBorder(node)));

    const newName = namer(graph);
    const { producer } = usesOf(graph);
    /** What stands for a value that stays: what it is cast from, or a Cast of it. */
    const singles = new Map<string, string>();
    for (const name of [...computing].flatMap(touchedBy)) {
      if (!staying.has(name) || singles.has(name)) continue;
      const maker = producer.get(name);
      const from = maker && isBorder(maker) ? maker.inputs[0] : undefined;
      singles.set(name, from ?? newName(`${name}_float32`));
    }
    const initializers = new Map<string, Tensor>();
    for (const [name, tensor] of graph.initializers) {
      const inner = staying.has(name) ? singles.get(name) : name;
      if (isHalf(tensor.dataType) && inner !== undefined) initializers.set(inner, single(tensor));
    }
    const castOf = (name: string): Node[] => {
      const inner = singles.get(name);
      const isThere = inner === undefined || initializers.has(inner) || values.has(inner);
      return isThere ? [] : [castNode(inner, name, inner, "float32")];
    };
    const nodes = graph.nodes.flatMap((node) => {
      if (!computing.has(node)) {
        const from = isBorder(node) ? singles.get(node.inputs[0] ?? "") : undefined;
        const read = from === undefined ? node : { ...node, inputs: [from] };
        return [read, ...node.outputs.flatMap(castOf)];
      }
      const back = node.outputs.flatMap((name) => {
        const inner = singles.get(name);
        const type = values.get(name)?.dataType;
        return inner === undefined || !type ? [] : [castNode(newName(`${name}_cast`), inner, name, type)];
      });
      return [renamed(singleNode(node), singles), ...back];
    });
    const isSame = initializers.size === 0 && nodes.length === graph.nodes.length;
    if (isSame && nodes.every((node, i) => node === graph.nodes[i])) return graph;
    const before = graph.inputs.flatMap(({ name }) => castOf(name));
    return { ...edited(graph, { initializers }), nodes: [...before, ...nodes] };
  },
};
