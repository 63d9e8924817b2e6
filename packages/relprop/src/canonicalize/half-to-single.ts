/**
 * float16, bfloat16 and float64 become float32: relevance divides by what may be smaller than half precision can tell from
 * nothing, runtimes compute half precision in float32 or not at all, and exporters compute the layer norms of
 * half-precision models in float64. Inputs and outputs of the model keep their types by way of Cast; what the model
 * computes changes by no more than its own rounding, or float32's.
 *
 * What stays: float64 that comes from whole numbers, which are sizes and places and must not move, and nodes of which
 * nobody can tell what types they make, graphs inside of nodes included.
 */

import { capturedBy } from "../onnx/captures.ts";
import { dataTypeCodes } from "../onnx/data-types.ts";
import {
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Owner,
  type Tensor,
  type Value,
  int,
  numberAttribute,
  usesOf,
} from "../onnx/graph.ts";
import { tryInfer } from "../onnx/infer-shapes.ts";
import { ownerOf } from "../onnx/owners.ts";
import { floatTensor, numbersOf, roundingOf } from "../onnx/tensor.ts";
import { type Rewrite, edited, isOnnx, namer, renamed } from "./rewrite.ts";

const others: readonly DataType[] = ["float16", "bfloat16", "float64"];
const isOther = (dataType: DataType | undefined): boolean => others.some((type) => type === dataType);

const otherCodes: ReadonlySet<number> = new Set(others.map((type) => dataTypeCodes[type]));

/** Attributes that hold an element type. */
const typeAttributes = ["to", "dtype", "output_datatype"] as const;

const largest = (2 - 2 ** -23) * 2 ** 127;

/** A mask of the lowest finite float64 stays finite. */
const finite = (n: number): number => (Number.isFinite(n) ? Math.max(-largest, Math.min(largest, n)) : n);

function single(tensor: Tensor): Tensor {
  if (!isOther(tensor.dataType)) return tensor;
  const numbers = numbersOf(tensor);
  const given = tensor.dataType === "float64" ? Array.from(numbers, finite) : numbers;
  return { ...floatTensor("float32", given, tensor.dims), rounding: roundingOf(tensor) };
}

function singleAttributes(attributes: Attributes): Attributes {
  const changed = Object.entries(attributes).flatMap(([name, attribute]) => {
    const isType = typeAttributes.some((each) => each === name);
    if (isType && attribute.type === "int" && otherCodes.has(attribute.value))
      return [[name, int(dataTypeCodes.float32)] as const];
    if (attribute.type === "tensor" && isOther(attribute.value.dataType))
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

/** Whether shape inference knows what a node makes. */
function isFollowed(node: Node, values: ReadonlyMap<string, Value>, shapes: Graph["shapes"]): boolean {
  if (Object.values(node.attributes).some(({ type }) => type === "graph" || type === "opaque")) return false;
  if (node.inputs.some((name) => name !== "" && !values.has(name))) return false;
  const known = tryInfer(
    node,
    node.inputs.map((name) => values.get(name)),
    shapes,
  );
  return known !== undefined && node.outputs.every((name, i) => name === "" || known[i]);
}

/** The nodes whose numbers become float32. */
function followedNodes(graph: Graph, values: ReadonlyMap<string, Value>): Set<Node> {
  const typeOf = (name: string): DataType | undefined => values.get(name)?.dataType;
  /** float64 that comes from whole numbers. */
  const exact = new Set<string>();
  const followed = new Set<Node>();
  for (const node of graph.nodes) {
    const isFromWhole =
      node.inputs.some((name) => exact.has(name)) ||
      (isOnnx(node, "Cast") && !typeOf(node.inputs[0] ?? "")?.includes("float"));
    const made = isFromWhole ? node.outputs.filter((name) => typeOf(name) === "float64") : [];
    for (const name of made) exact.add(name);
    if (made.length === 0 && isFollowed(node, values, graph.shapes)) followed.add(node);
  }
  return followed;
}

/** What a node reads and makes, the graphs inside of it included. */
const touchedBy = (node: Node): string[] => [...node.inputs, ...node.outputs, ...capturedBy(node)];

/** The float32 tensor that a tensor of another precision is cast from; any other tensor itself. */
export function singleOf(graph: Graph, name: string): string {
  const maker = usesOf(graph).producer.get(name);
  const isCast = maker && isOnnx(maker, "Cast") && otherCodes.has(numberAttribute(maker, "to", 0));
  return (isCast && maker.inputs[0]) || name;
}

/** @param owner the node that makes the value which is cast, or the input that it is */
const castNode = (owner: Owner, name: string, from: string, to: string, dataType: DataType): Node => ({
  name,
  opType: "Cast",
  domain: "",
  inputs: [from],
  outputs: [to],
  attributes: { to: int(dataTypeCodes[dataType]) },
  owner,
});

export const halfToSingle: Rewrite = {
  name: "half-to-single",
  about:
    "float16, bfloat16 and float64 are computed in float32; inputs and outputs keep their types, and outputs change by no more than their own rounding or float32's",
  takesAway: "what does nothing",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const isOtherValue = (name: string): boolean => isOther(values.get(name)?.dataType);
    if (![...values.keys()].some(isOtherValue)) return graph;
    const followed = followedNodes(graph, values);
    /** The values that keep their types: what the model, and nodes that stay, take and give. */
    const staying = new Set(
      [
        ...[...graph.inputs, ...graph.outputs].map((value) => value.name),
        ...graph.nodes.flatMap((node) => (followed.has(node) ? [] : touchedBy(node))),
      ].filter(isOtherValue),
    );
    /** A Cast between float32 and a value that stays is as it should be. */
    const isBorder = (node: Node): boolean => {
      const ends = [...node.inputs, ...node.outputs];
      return (
        isOnnx(node, "Cast") &&
        ends.some((name) => values.get(name)?.dataType === "float32") &&
        ends.every((name) => !isOtherValue(name) || staying.has(name))
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
      if (isOther(tensor.dataType) && inner !== undefined) initializers.set(inner, single(tensor));
    }
    const castOf = (name: string): Node[] => {
      const inner = singles.get(name);
      const isThere = inner === undefined || initializers.has(inner) || values.has(inner);
      const maker = producer.get(name);
      const owner = maker ? ownerOf(maker) : { node: name };
      return isThere ? [] : [castNode(owner, inner, name, inner, "float32")];
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
        if (inner === undefined || !type) return [];
        return [castNode(ownerOf(node), newName(`${name}_cast`), inner, name, type)];
      });
      return [renamed(singleNode(node), singles), ...back];
    });
    const isSame = initializers.size === 0 && nodes.length === graph.nodes.length;
    if (isSame && nodes.every((node, i) => node === graph.nodes[i])) return graph;
    const before = graph.inputs.flatMap(({ name }) => castOf(name));
    return { ...edited(graph, { initializers }), nodes: [...before, ...nodes] };
  },
};
