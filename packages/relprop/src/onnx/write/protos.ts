/** Graph, nodes and values -> protobuf messages. Weights are not among them: they never become messages. */

import { create, fromBinary } from "@bufbuild/protobuf";
import { dataTypeCodes } from "../data-types.ts";
import type { Attribute, Graph, Model, Node, Subgraph, SubgraphValue, Tensor, Value } from "../graph.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
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

/** The oldest IR version that has the opset; at least 4, the first in which constants need not be inputs. */
const irVersions: readonly (readonly [opset: number, irVersion: number])[] = [
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [0, 4],
];

const irVersionOf = (opset: number): number => irVersions.find(([first]) => opset >= first)?.[1] ?? 4;

const entry = ([key, value]: readonly [string, string]): StringStringEntryProto =>
  create(StringStringEntryProtoSchema, { key, value });

/** Everything of a model but its graph. */
export function modelProto(model: Model): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: BigInt(irVersionOf(model.opsets[""] ?? 0)),
    producerName: model.producer,
    opsetImport: Object.entries(model.opsets).map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps: Object.entries(model.metadata).map(entry),
  });
}

/** Everything of a graph but its initializers; nodes with a body are written as their body. */
export function graphProto(graph: Graph): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(valueProto),
    output: graph.outputs.map(valueProto),
    valueInfo: [...(graph.hints?.values() ?? [])].map(valueProto),
    node: graph.nodes.flatMap(written).map(nodeProto),
  });
}

function written(node: Node): readonly Node[] {
  return node.body ? node.body.flatMap(written) : [node];
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

function nodeProto(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute)),
  });
}

const utf8 = new TextEncoder();

function attributeProto(name: string, attribute: Attribute): AttributeProto {
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
      return create(AttributeProtoSchema, { name, type: Type.GRAPH, g: subgraphProto(attribute.value) });
    case "opaque":
      return fromBinary(AttributeProtoSchema, attribute.value);
  }
}

const declared = ({ declaration }: SubgraphValue): ValueInfoProto =>
  fromBinary(ValueInfoProtoSchema, declaration);

/** A graph inside of a node; its few constants become messages, unlike the weights of the graph around it. */
function subgraphProto(graph: Subgraph): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(declared),
    output: graph.outputs.map(declared),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorProto(name, tensor)),
    node: graph.nodes.flatMap(written).map(nodeProto),
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

/** The entries that say where a tensor's elements are, if not in the model file. */
export const externalEntries = (entries: Readonly<Record<string, string>>): TensorProto["externalData"] =>
  Object.entries(entries).map(entry);
