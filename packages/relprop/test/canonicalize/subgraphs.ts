/** Graphs inside of nodes, built by hand. */

import { create, toBinary } from "@bufbuild/protobuf";
import { dataTypeCodes } from "../../src/onnx/data-types.ts";
import {
  type Attributes,
  type DataType,
  type GraphBuilder,
  type Node,
  type Subgraph,
  type SubgraphValue,
  type Tensor,
  type Value,
} from "../../src/onnx/index.ts";
import {
  TensorShapeProtoSchema,
  TypeProto_SequenceSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "../../src/onnx/onnx_pb.ts";

/** Declares a tensor of a type, of any shape or without axes, or a sequence of tensors. */
export function declared(
  name: string,
  dataType: DataType = "float32",
  kind: "tensor" | "scalar" | "sequence" = "tensor",
): SubgraphValue {
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: dataTypeCodes[dataType],
    ...(kind === "scalar" && { shape: create(TensorShapeProtoSchema, {}) }),
  });
  const tensor = create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } });
  const sequenceType = create(TypeProto_SequenceSchema, { elemType: tensor });
  const type =
    kind === "sequence"
      ? create(TypeProtoSchema, { value: { case: "sequenceType", value: sequenceType } })
      : tensor;
  return { name, declaration: toBinary(ValueInfoProtoSchema, create(ValueInfoProtoSchema, { name, type })) };
}

export const nodeOf = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): Node => ({ name: `${opType} ${outputs[0] ?? ""}`, opType, domain: "", inputs, outputs, attributes });

export const subgraph = (
  inputs: readonly SubgraphValue[],
  outputs: readonly SubgraphValue[],
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Subgraph => ({
  name: "inner",
  inputs,
  outputs,
  nodes,
  initializers: new Map(Object.entries(initializers)),
});

const graphOf = (value: Subgraph): Attributes[string] => ({ type: "graph", value });

type Info = Pick<Value, "dataType" | "shape">;

/** Adds a node whose outputs shape inference does not know: they are as said here. */
function opaque(b: GraphBuilder, node: Node, infos: readonly Info[]): readonly Value[] {
  const values = node.outputs.map((name, i): Value => ({
    ...(infos[i] ?? { dataType: "float32", shape: [] }),
    name,
  }));
  b.adopt(
    { name: "", inputs: [], outputs: [], initializers: new Map(), nodes: [node] },
    new Map(values.map((value) => [value.name, value])),
  );
  return values;
}

export const ifNode = (
  b: GraphBuilder,
  condition: Value,
  branches: readonly [Subgraph, Subgraph],
  info: Info,
  output: string = "if",
): Value =>
  opaque(
    b,
    nodeOf("If", [condition.name], [output], {
      then_branch: graphOf(branches[0]),
      else_branch: graphOf(branches[1]),
    }),
    [info],
  )[0] as Value;

/** A Loop or Scan, and its outputs. */
export const loopNode = (
  b: GraphBuilder,
  opType: "Loop" | "Scan",
  inputs: readonly string[],
  outputs: Readonly<Record<string, Info>>,
  body: Subgraph,
  attributes: Attributes = {},
): readonly Value[] =>
  opaque(
    b,
    nodeOf(opType, inputs, Object.keys(outputs), { ...attributes, body: graphOf(body) }),
    Object.values(outputs),
  );

/** A node of sequences, whose output has no shape unless it is said. */
export const sequenceNode = (
  b: GraphBuilder,
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
  info: Info = { dataType: "float32", shape: [] },
): Value => opaque(b, nodeOf(opType, inputs, [output], attributes), [info])[0] as Value;
