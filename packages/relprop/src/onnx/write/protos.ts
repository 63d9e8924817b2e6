/** Converts graphs, nodes and values to protobuf messages, all but the weights. */

import { create, fromBinary } from "@bufbuild/protobuf";
import { dataTypeCodes } from "../data-types.ts";
import {
  type Attribute,
  type DataType,
  type Graph,
  type Model,
  type Node,
  type Owner,
  type Subgraph,
  type SubgraphValue,
  type Tensor,
  type Value,
  writtenAs,
} from "../graph.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../onnx_pb.ts";
import { toInt64 } from "../tensor.ts";

/** The first IR version of each opset; at least 4, since before constants had to be inputs as well. */
const irVersions: readonly (readonly [opset: number, irVersion: number])[] = [
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [0, 4],
];

/** The first IR version in which files have functions. */
const fileFunctions = 8;

/** The IR version that a model is written with. */
export const irVersionOf = ({ opsets, functions }: Pick<Model, "opsets" | "functions">): number =>
  Math.max(irVersions.find(([first]) => (opsets[""] ?? 0) >= first)?.[1] ?? 4, functions ? fileFunctions : 0);

const entry = ([key, value]: readonly [string, string]): StringStringEntryProto =>
  create(StringStringEntryProtoSchema, { key, value });

/** The first IR version in which nodes have metadata_props. */
const nodeMetadata = 10;

/**
 * What a node was made for: in metadata_props where the file may have them, else in doc_string. Compiled models have opset 17 and
 * so IR version 8, which ONNX Runtime reads from 1.12 on; written with 10, they would be refused by all before 1.18.
 */
function ownerProto(
  owner: Owner,
  irVersion: number,
): Partial<Pick<NodeProto, "metadataProps" | "docString">> {
  const entries = ownerEntries(owner);
  if (irVersion >= nodeMetadata) return { metadataProps: entries.map(entry) };
  return { docString: entries.map((pair) => pair.join("=")).join("; ") };
}

const ownerEntries = ({ node, rule }: Owner): [string, string][] => {
  const ofNode: [string, string] = ["relprop.node", node];
  return rule === undefined ? [ofNode] : [ofNode, ["relprop.rule", rule]];
};

/** Everything of a model but its graph. */
export function modelProto(model: Model): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: BigInt(irVersionOf(model)),
    producerName: model.producer,
    opsetImport: Object.entries(model.opsets).map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps: Object.entries(model.metadata).map(entry),
    functions: (model.functions ?? []).map(({ encoded }) => fromBinary(FunctionProtoSchema, encoded)),
  });
}

/** Everything of a graph but its initializers; nodes with a body are written as their body. */
export function graphProto(graph: Graph, irVersion: number): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(valueProto),
    output: graph.outputs.map(valueProto),
    valueInfo: [...(graph.hints?.values() ?? [])].map(valueProto),
    node: nodeProtos(graph.nodes, irVersion),
  });
}

function valueProto({ name, dataType, shape }: Value): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === "number"
          ? { case: "dimValue", value: BigInt(size) }
          : { case: "dimParam", value: size },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: dataTypeCodes[dataType],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  const type = create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } });
  return create(ValueInfoProtoSchema, { name, type });
}

/** A value of which only the type is declared. */
export const typeProto = (name: string, dataType: DataType): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, { elemType: dataTypeCodes[dataType] }),
      },
    }),
  });

const nodeProtos = (nodes: readonly Node[], irVersion: number): NodeProto[] =>
  nodes.flatMap(writtenAs).map((node) => nodeProto(node, irVersion));

function nodeProto(node: Node, irVersion: number): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) =>
      attributeProto(name, attribute, irVersion),
    ),
    ...(node.owner && ownerProto(node.owner, irVersion)),
  });
}

const utf8 = new TextEncoder();

function attributeProto(name: string, attribute: Attribute, irVersion: number): AttributeProto {
  switch (attribute.type) {
    case "int":
      return create(AttributeProtoSchema, { name, type: Type.INT, i: toInt64(attribute.value) });
    case "float":
      return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: attribute.value });
    case "string":
      return create(AttributeProtoSchema, { name, type: Type.STRING, s: utf8.encode(attribute.value) });
    case "ints":
      return create(AttributeProtoSchema, { name, type: Type.INTS, ints: attribute.value.map(toInt64) });
    case "floats":
      return create(AttributeProtoSchema, { name, type: Type.FLOATS, floats: [...attribute.value] });
    case "strings": {
      const strings = attribute.value.map((text) => utf8.encode(text));
      return create(AttributeProtoSchema, { name, type: Type.STRINGS, strings });
    }
    case "tensor":
      return create(AttributeProtoSchema, { name, type: Type.TENSOR, t: tensorProto("", attribute.value) });
    case "graph":
      return create(AttributeProtoSchema, {
        name,
        type: Type.GRAPH,
        g: subgraphProto(attribute.value, irVersion),
      });
    case "opaque":
      return fromBinary(AttributeProtoSchema, attribute.value);
  }
}

const declared = ({ declaration }: SubgraphValue): ValueInfoProto =>
  fromBinary(ValueInfoProtoSchema, declaration);

/** A graph inside of a node; its few constants become messages, unlike the weights of the graph around it. */
function subgraphProto(graph: Subgraph, irVersion: number): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(declared),
    output: graph.outputs.map(declared),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorProto(name, tensor)),
    node: nodeProtos(graph.nodes, irVersion),
  });
}

function tensorProto(name: string, tensor: Tensor): TensorProto {
  const proto = tensorHeader(name, tensor);
  proto.rawData = tensor.bytes;
  return proto;
}

/** A tensor without its elements. */
export function tensorHeader(name: string, { dataType, dims }: Tensor): TensorProto {
  return create(TensorProtoSchema, { name, dataType: dataTypeCodes[dataType], dims: dims.map(BigInt) });
}

/** The entries that locate the elements of a tensor outside of the model file. */
export const externalEntries = (entries: Readonly<Record<string, string>>): TensorProto["externalData"] =>
  Object.entries(entries).map(entry);
