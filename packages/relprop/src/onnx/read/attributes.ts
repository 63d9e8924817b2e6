/** Reads the attributes of nodes, and the tensor of a Constant node. */

import { toBinary } from "@bufbuild/protobuf";
import { readTypeOf } from "../data-types.ts";
import type { Attribute, Attributes, Subgraph, Tensor } from "../graph.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
} from "../onnx_pb.ts";
import { float32Tensor, int64Tensor } from "../tensor.ts";
import { type Source, refuse } from "./source.ts";
import { readTensor } from "./tensor.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes; undefined if they are not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const isExternal = (tensor: TensorProto): boolean =>
  tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;

function graphHasExternalData(graph: GraphProto): boolean {
  return (
    graph.initializer.some(isExternal) || graph.node.some((node) => node.attribute.some(hasExternalData))
  );
}

function hasExternalData({ t, tensors, g, graphs }: AttributeProto): boolean {
  return (
    [...(t ? [t] : []), ...tensors].some(isExternal) ||
    [...(g ? [g] : []), ...graphs].some(graphHasExternalData)
  );
}

/** The type of an attribute. Files older than IR version 2 leave it out, so it follows from the field that is set. */
function typeOf(proto: AttributeProto): Type {
  if (proto.type !== Type.UNDEFINED) return proto.type;
  if (proto.t) return Type.TENSOR;
  if (proto.g) return Type.GRAPH;
  if (proto.floats.length > 0) return Type.FLOATS;
  if (proto.ints.length > 0) return Type.INTS;
  if (proto.strings.length > 0) return Type.STRINGS;
  if (proto.s.length > 0) return Type.STRING;
  if (proto.f !== 0) return Type.FLOAT;
  return proto.i !== 0n ? Type.INT : Type.UNDEFINED;
}

/** Reads the subgraph of a node. */
export type ReadSubgraph = (proto: GraphProto) => Subgraph;

function readAttribute(
  source: Source,
  proto: AttributeProto,
  where: string,
  readSubgraph: ReadSubgraph,
): Attribute {
  if (proto.refAttrName !== "") {
    throw refuse(source, {
      where,
      why: `attribute "${proto.name}" refers to a parameter outside of a function`,
    });
  }
  switch (typeOf(proto)) {
    case Type.FLOAT:
      return { type: "float", value: proto.f };
    case Type.INT:
      return { type: "int", value: Number(proto.i) };
    case Type.FLOATS:
      return { type: "floats", value: proto.floats };
    case Type.INTS:
      return { type: "ints", value: proto.ints.map(Number) };
    case Type.STRING: {
      const value = textOf(proto.s);
      return value === undefined ? opaque(source, proto, where) : { type: "string", value };
    }
    case Type.STRINGS: {
      const texts = proto.strings.map(textOf);
      const value = texts.filter((text) => text !== undefined);
      return value.length < texts.length ? opaque(source, proto, where) : { type: "strings", value };
    }
    case Type.TENSOR: {
      const type = proto.t && readTypeOf(proto.t.dataType)?.dataType;
      if (!proto.t || !type || type === "string") return opaque(source, proto, where);
      return { type: "tensor", value: readTensor(source, proto.t, `${where}, attribute "${proto.name}"`) };
    }
    case Type.GRAPH:
      if (!proto.g)
        throw refuse(source, { where, why: `the graph in its attribute "${proto.name}" is missing` });
      return { type: "graph", value: readSubgraph(proto.g) };
    case Type.UNDEFINED:
      throw refuse(source, { where, why: `attribute "${proto.name}" has no type that relprop knows` });
    default:
      return opaque(source, proto, where);
  }
}

/** An attribute that is kept encoded, since no stage needs its value. */
function opaque(source: Source, proto: AttributeProto, where: string): Attribute {
  if (hasExternalData(proto)) {
    const why = `the subgraph in its attribute "${proto.name}" keeps data in another file`;
    throw refuse(source, { where, why, fix: "save the model as one file" });
  }
  return { type: "opaque", value: toBinary(AttributeProtoSchema, proto) };
}

/** The attributes of a node; `where` names the node in errors. */
export function readAttributes(
  source: Source,
  node: NodeProto,
  where: string,
  readSubgraph: ReadSubgraph,
): Attributes {
  const attributes = new Map<string, Attribute>();
  for (const proto of node.attribute) {
    if (attributes.has(proto.name))
      throw refuse(source, { where, why: `it has two attributes "${proto.name}"` });
    attributes.set(proto.name, readAttribute(source, proto, where, readSubgraph));
  }
  return Object.fromEntries(attributes);
}

/**
 * The output of a Constant node.
 * @throws ModelFileError if it is not a tensor of numbers
 */
export function constantOf(source: Source, attributes: Attributes, where: string): Tensor {
  const [entry, ...others] = Object.entries(attributes);
  if (entry && others.length === 0) {
    const [name, attribute] = entry;
    if (name === "value" && attribute.type === "tensor") return attribute.value;
    if (name === "value_float" && attribute.type === "float") return float32Tensor([attribute.value], []);
    if (name === "value_int" && attribute.type === "int") return int64Tensor([attribute.value], []);
    if (name === "value_floats" && attribute.type === "floats") {
      return float32Tensor(attribute.value, [attribute.value.length]);
    }
    if (name === "value_ints" && attribute.type === "ints") return int64Tensor(attribute.value);
  }
  const names = Object.keys(attributes).join(", ") || "nothing";
  const why = `its value is ${names}, and relprop reads tensors of numbers only`;
  throw refuse(source, {
    where,
    why,
    fix: "export the model without strings and sparse or quantized constants",
  });
}
