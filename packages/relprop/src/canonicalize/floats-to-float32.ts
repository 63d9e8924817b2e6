/**
 * Converts float16, bfloat16 and float64 to float32. Relevance divides by numbers that half precision rounds to 0,
 * runtimes compute half precision in float32 or not at all, and exporters compute the layer norms of half-precision models
 * in float64. Casts keep the types of the model's inputs and outputs; results change by no more than their own rounding,
 * or float32's.
 *
 * Two things keep their types: float64 computed from whole numbers, since sizes and positions must stay exact, and nodes
 * whose output types shape inference does not know, such as those with subgraphs.
 */

import { readBy, usesOf } from "../onnx/captures.ts";
import { dataTypeCodes } from "../onnx/data-types.ts";
import {
  type Attribute,
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Owner,
  type Tensor,
  type Value,
  int,
  numberAttribute,
} from "../onnx/graph.ts";
import { tryInfer } from "../onnx/infer-shapes.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { ownerOf } from "../onnx/owners.ts";
import { floatTensor, numbersOf, roundingOf } from "../onnx/tensor.ts";
import { type Rewrite, edited, isOnnx, namer, renamed } from "./rewrite.ts";

const convertedTypes: readonly DataType[] = ["float16", "bfloat16", "float64"];
const isConverted = (dataType: DataType | undefined): boolean =>
  convertedTypes.some((type) => type === dataType);

const convertedCodes: ReadonlySet<number> = new Set(convertedTypes.map((type) => dataTypeCodes[type]));

/** Attributes that hold an element type. */
const typeAttributes = ["to", "dtype", "output_datatype"] as const;

const largest = (2 - 2 ** -23) * 2 ** 127;

/** Clamps finite numbers to float32, so a mask of the lowest float64 stays finite. */
const finite = (n: number): number => (Number.isFinite(n) ? Math.max(-largest, Math.min(largest, n)) : n);

function float32TensorOf(tensor: Tensor): Tensor {
  if (!isConverted(tensor.dataType)) return tensor;
  const numbers = numbersOf(tensor);
  const given = tensor.dataType === "float64" ? Array.from(numbers, finite) : numbers;
  return { ...floatTensor("float32", given, tensor.dims), rounding: roundingOf(tensor) };
}

function float32Attributes(attributes: Attributes): Attributes {
  const changed = Object.entries(attributes).flatMap(([name, attribute]): [string, Attribute][] => {
    const isType = typeAttributes.some((each) => each === name);
    if (isType && attribute.type === "int" && convertedCodes.has(attribute.value))
      return [[name, int(dataTypeCodes.float32)]];
    if (attribute.type === "tensor" && isConverted(attribute.value.dataType))
      return [[name, { type: "tensor", value: float32TensorOf(attribute.value) }]];
    return [];
  });
  return changed.length === 0 ? attributes : { ...attributes, ...Object.fromEntries(changed) };
}

function float32Node(node: Node): Node {
  const attributes = float32Attributes(node.attributes);
  const body = node.body?.map(float32Node);
  if (attributes === node.attributes && !body?.some((each, i) => each !== node.body?.[i])) return node;
  return { ...node, attributes, ...(body && { body }) };
}

/** Whether shape inference knows the outputs of a node. */
function isInferred(node: Node, values: ReadonlyMap<string, Value>, shapes: Graph["shapes"]): boolean {
  if (Object.values(node.attributes).some(({ type }) => type === "graph" || type === "opaque")) return false;
  if (node.inputs.some((name) => name !== "" && !values.has(name))) return false;
  const known = tryInfer(
    node,
    node.inputs.map((name) => values.get(name)),
    shapes,
  );
  return known !== undefined && node.outputs.every((name, i) => name === "" || known[i]);
}

/** The nodes that can compute in float32. */
function convertibleNodes(graph: Graph, values: ReadonlyMap<string, Value>): Set<Node> {
  const typeOf = (name: string): DataType | undefined => values.get(name)?.dataType;
  /** Names of float64 values computed from whole numbers. */
  const exact = new Set<string>();
  const convertible = new Set<Node>();
  for (const node of graph.nodes) {
    const isFromWhole =
      node.inputs.some((name) => exact.has(name)) ||
      (isOnnx(node, "Cast") && !typeOf(node.inputs[0] ?? "")?.includes("float"));
    const made = isFromWhole ? node.outputs.filter((name) => typeOf(name) === "float64") : [];
    for (const name of made) exact.add(name);
    if (made.length === 0 && isInferred(node, values, graph.shapes)) convertible.add(node);
  }
  return convertible;
}

/** The values that a node reads or computes. */
const namesOf = (node: Node): string[] => [...readBy(node), ...node.outputs];

/** The name of the float32 tensor that a tensor of another precision is cast from; any other tensor's own name. */
export function float32SourceOf(graph: Graph, name: string): string {
  const maker = usesOf(graph).producer.get(name);
  const isCast = maker && isOnnx(maker, "Cast") && convertedCodes.has(numberAttribute(maker, "to", 0));
  return (isCast && maker.inputs[0]) || name;
}

/** @param owner the node that makes the value which is cast, or the input that it is */
const castNode = (owner: Owner, name: string, from: string, to: string, dataType: DataType): Node => ({
  ...onnxNode("Cast", [from], [to], { to: int(dataTypeCodes[dataType]) }, name),
  owner,
});

export const floatsToFloat32: Rewrite = {
  name: "floats-to-float32",
  about:
    "float16, bfloat16 and float64 are computed in float32; inputs and outputs keep their types, and outputs change by no more than their own rounding or float32's",
  removes: "no-ops",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const isConvertedValue = (name: string): boolean => isConverted(values.get(name)?.dataType);
    if (![...values.keys()].some(isConvertedValue)) return graph;
    const convertible = convertibleNodes(graph, values);
    /** The values that keep their types: inputs and outputs of the graph, and of nodes that are not converted. */
    const kept = new Set(
      [
        ...[...graph.inputs, ...graph.outputs].map((value) => value.name),
        ...graph.nodes.flatMap((node) => (convertible.has(node) ? [] : namesOf(node))),
      ].filter(isConvertedValue),
    );
    /** Whether a node is a Cast between float32 and a value that keeps its type. */
    const isBorder = (node: Node): boolean => {
      const ends = [...node.inputs, ...node.outputs];
      return (
        isOnnx(node, "Cast") &&
        ends.some((name) => values.get(name)?.dataType === "float32") &&
        ends.every((name) => !isConvertedValue(name) || kept.has(name))
      );
    };
    const converted = new Set([...convertible].filter((node) => !isBorder(node)));

    const newName = namer(graph);
    const { producer } = usesOf(graph);
    /** Names of the float32 versions of values that keep their types. */
    const float32Names = new Map<string, string>();
    for (const name of [...converted].flatMap(namesOf)) {
      if (!kept.has(name) || float32Names.has(name)) continue;
      const maker = producer.get(name);
      const from = maker && isBorder(maker) ? maker.inputs[0] : undefined;
      float32Names.set(name, from ?? newName(`${name}_float32`));
    }
    const initializers = new Map<string, Tensor>();
    for (const [name, tensor] of graph.initializers) {
      const inner = kept.has(name) ? float32Names.get(name) : name;
      if (isConverted(tensor.dataType) && inner !== undefined)
        initializers.set(inner, float32TensorOf(tensor));
    }
    const castOf = (name: string): Node[] => {
      const inner = float32Names.get(name);
      const exists = inner === undefined || initializers.has(inner) || values.has(inner);
      const maker = producer.get(name);
      const owner = maker ? ownerOf(maker) : { node: name };
      return exists ? [] : [castNode(owner, inner, name, inner, "float32")];
    };
    const nodes = graph.nodes.flatMap((node) => {
      if (!converted.has(node)) {
        const from = isBorder(node) ? float32Names.get(node.inputs[0] ?? "") : undefined;
        const read = from === undefined ? node : { ...node, inputs: [from] };
        return [read, ...node.outputs.flatMap(castOf)];
      }
      const back = node.outputs.flatMap((name) => {
        const inner = float32Names.get(name);
        const type = values.get(name)?.dataType;
        if (inner === undefined || !type) return [];
        return [castNode(ownerOf(node), newName(`${name}_cast`), inner, name, type)];
      });
      return [renamed(float32Node(node), float32Names), ...back];
    });
    const isSame = initializers.size === 0 && nodes.length === graph.nodes.length;
    if (isSame && nodes.every((node, i) => node === graph.nodes[i])) return graph;
    const before = graph.inputs.flatMap(({ name }) => castOf(name));
    return { ...edited(graph, { initializers }), nodes: [...before, ...nodes] };
  },
};
