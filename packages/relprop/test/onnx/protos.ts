/** Models as protobuf messages, the way other tools write them, including wrongly. */

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../../src/onnx/onnx_pb.ts";

export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
export type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
export type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
export type ValueInit = MessageInitShape<typeof ValueInfoProtoSchema>;
type DimInit = number | string | undefined;

/** A tensor input or output; undefined sizes are those that say nothing. */
export function valueInfo(
  name: string,
  dims: readonly DimInit[],
  elemType: number = TensorProto_DataType.FLOAT,
): ValueInit {
  const dim = dims.map((size) => {
    if (typeof size === "number") return { value: { case: "dimValue" as const, value: BigInt(size) } };
    return size === undefined ? {} : { value: { case: "dimParam" as const, value: size } };
  });
  return { name, type: { value: { case: "tensorType", value: { elemType, shape: { dim } } } } };
}

/** An encoded model: opset 17, input x [N, 2], output y, and what is given. */
export function encoded(graph: GraphInit, model: ModelInit = {}): Uint8Array {
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: 17n })],
    graph: create(GraphProtoSchema, {
      name: "g",
      input: [create(ValueInfoProtoSchema, valueInfo("x", ["N", 2]))],
      output: [create(ValueInfoProtoSchema, valueInfo("y", ["N", 2]))],
      node: [create(NodeProtoSchema, relu("x", "y"))],
      ...graph,
    }),
    ...model,
  });
  return toBinary(ModelProtoSchema, proto);
}

interface ReluInit {
  readonly name: string;
  readonly opType: string;
  readonly input: string[];
  readonly output: string[];
}

export const relu = (input: string, output: string, name: string = ""): ReluInit => ({
  name,
  opType: "Relu",
  input: [input],
  output: [output],
});

/** The little-endian bytes of an array. */
export const bytesOf = (array: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
