/** Reads tensors from any of the places where ONNX files keep their elements. */

import { dataTypeName, readTypeOf } from "../data-types.ts";
import { locationProblem } from "../external-location.ts";
import type { DataType, Node, Tensor } from "../graph.ts";
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from "../onnx_pb.ts";
import { unpackedTensor } from "../packed-integers.ts";
import { type StoredBytes, storedTensor } from "../stored-tensor.ts";
import { byteLength, sizeOf } from "../tensor.ts";
import { concatChunks } from "../write/chunks.ts";
import { type Source, decoding, messageOf, refuse } from "./source.ts";
import { textConstant } from "./texts.ts";
import { decodePartly } from "./wire.ts";

const floatDataField = TensorProtoSchema.field.floatData.number;
const doubleDataField = TensorProtoSchema.field.doubleData.number;
const rawDataField = TensorProtoSchema.field.rawData.number;

/** Limit of axes, which keeps code that spreads shapes into arguments safe. Files have at most 8. */
export const maxRank = 64;

type ListName = "floatData" | "doubleData" | "int32Data" | "int64Data" | "uint64Data";

/** Reads the elements of a type from its list into an array in memory order. */
const arrayReaders: Readonly<
  Record<Exclude<DataType, "string">, (proto: TensorProto) => ArrayBufferView<ArrayBuffer>>
> = {
  float32: (proto) => Float32Array.from(proto.floatData),
  float64: (proto) => Float64Array.from(proto.doubleData),
  float16: (proto) => Uint16Array.from(proto.int32Data),
  bfloat16: (proto) => Uint16Array.from(proto.int32Data),
  int8: (proto) => Int8Array.from(proto.int32Data),
  int16: (proto) => Int16Array.from(proto.int32Data),
  int32: (proto) => Int32Array.from(proto.int32Data),
  int64: (proto) => BigInt64Array.from(proto.int64Data),
  uint8: (proto) => Uint8Array.from(proto.int32Data),
  uint16: (proto) => Uint16Array.from(proto.int32Data),
  uint32: (proto) => Uint32Array.from(proto.uint64Data, Number),
  uint64: (proto) => BigUint64Array.from(proto.uint64Data),
  bool: (proto) => Uint8Array.from(proto.int32Data),
};

const lists: readonly ListName[] = ["floatData", "doubleData", "int32Data", "int64Data", "uint64Data"];

/** The views in one array, which is a view itself if there is only one. */
const joined = (views: readonly Uint8Array[]): Uint8Array =>
  views.length === 1 && views[0] ? views[0] : concatChunks(views);

/** The sizes of a tensor as numbers. */
function readDims(source: Source, proto: TensorProto, where: string): number[] {
  if (proto.dims.length > maxRank) {
    throw refuse(source, { where, why: `it has ${proto.dims.length} axes, more than ${maxRank}` });
  }
  return proto.dims.map((dim) => {
    if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw refuse(source, { where, why: `it has a size of ${dim}` });
    }
    return Number(dim);
  });
}

function readNumber(
  source: Source,
  where: string,
  key: string,
  text: string | undefined,
): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw refuse(source, { where, why: `the ${key} of its external data is "${text}", not a number of bytes` });
}

function readExternal(
  source: Source,
  proto: TensorProto,
  where: string,
  size: number,
): Uint8Array | StoredBytes {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? "";
  const problem = locationProblem(location);
  if (problem) {
    const why = `its data is in the file ${JSON.stringify(location)}, and this path is refused because ${problem}`;
    throw refuse(source, { where, why, fix: "keep external data in a file beside the model" });
  }
  const offset = readNumber(source, where, "offset", entries.get("offset")) ?? 0;
  const length = readNumber(source, where, "length", entries.get("length")) ?? size;
  if (length !== size) {
    throw refuse(source, {
      where,
      why: `its external data has ${length} bytes, but its shape needs ${size}`,
    });
  }
  if (!source.readExternal) {
    const why = `its data is in the file "${location}", which was not given`;
    throw refuse(source, { where, why, fix: "pass `readExternal`, or save the model as one file" });
  }
  try {
    return source.readExternal(location, offset, length);
  } catch (error) {
    const why = `its data in the file "${location}" cannot be read: ${messageOf(error)}`;
    throw refuse(source, { where, why, fix: "put the file beside the model" }, { cause: error });
  }
}

/** A constant of a file: numbers, or the node that gives texts. */
export type ReadConstant = { readonly name: string } & (
  | { readonly tensor: Tensor }
  | { readonly texts: Node }
);

/** Reads an encoded TensorProto; long lists of floats stay views on `bytes`. */
export function readTensorBytes(source: Source, bytes: Uint8Array): ReadConstant {
  const apart = [floatDataField, doubleDataField, rawDataField];
  const { message, fields } = decoding(source, () => decodePartly(TensorProtoSchema, bytes, apart));
  const texts = textConstant(message);
  if (texts) return { name: message.name, texts };
  message.rawData = fields.get(rawDataField)?.at(-1) ?? message.rawData;
  const packed = { float32: fields.get(floatDataField) ?? [], float64: fields.get(doubleDataField) ?? [] };
  return { name: message.name, tensor: readTensor(source, message, `initializer "${message.name}"`, packed) };
}

/** Encoded elements by their type. */
type Packed = Readonly<Partial<Record<DataType, readonly Uint8Array[]>>>;

/** Reads a decoded TensorProto, which `where` names in errors. */
export function readTensor(source: Source, proto: TensorProto, where: string, packed: Packed = {}): Tensor {
  const type = readTypeOf(proto.dataType);
  if (!type || type.dataType === "string") {
    const why = `its elements are of type ${dataTypeName(proto.dataType)}, which relprop does not read`;
    throw refuse(source, { where, why, fix: "export the model with float32 weights, not quantized" });
  }
  const { dataType, bits } = type;
  if (proto.segment)
    throw refuse(source, { where, why: "its data comes in segments", fix: "save the model anew" });
  const dims = readDims(source, proto, where);
  const size = bits === undefined ? byteLength(dataType, dims) : Math.ceil((sizeOf(dims) * bits) / 8);
  const shape = `[${dims.join(", ")}]`;
  if (!Number.isSafeInteger(size)) throw refuse(source, { where, why: `its shape ${shape} is too large` });
  const views = packed[dataType] ?? [];
  const isExternal = proto.dataLocation === TensorProto_DataLocation.EXTERNAL;
  const isListed =
    Object.values(packed).some((list) => list.length > 0) || lists.some((list) => proto[list].length > 0);
  if (isListed && (proto.rawData.length > 0 || isExternal)) {
    throw refuse(source, { where, why: "its data is given twice", fix: "save the model anew" });
  }
  const data = isExternal
    ? readExternal(source, proto, where, size)
    : views.length > 0
      ? joined(views)
      : isListed
        ? bytesOf(arrayReaders[bits === undefined ? dataType : "uint8"](proto))
        : proto.rawData;
  if (data instanceof Uint8Array && data.length !== size) {
    const why = `it has ${data.length} bytes of data, but its shape ${shape} of ${bits === undefined ? dataType : dataTypeName(proto.dataType)} needs ${size}`;
    throw refuse(source, { where, why, fix: "download or export the model anew" });
  }
  const tensor = (as: DataType, shape: readonly number[]): Tensor =>
    data instanceof Uint8Array ? { dataType: as, dims: shape, bytes: data } : storedTensor(as, shape, data);
  if (bits === undefined) return tensor(dataType, dims);
  return unpackedTensor({ bytes: tensor("uint8", [size]), bits, highFirst: false }, dims, dataType);
}

const bytesOf = (array: ArrayBufferView<ArrayBuffer>): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
