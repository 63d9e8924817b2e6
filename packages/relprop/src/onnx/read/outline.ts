/** The outline of an .onnx file: all of it but large weights, which are external data that lie in the file itself. */

import { type DescMessage, create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { concatChunks } from "../write/chunks.ts";
import { externalEntries } from "../write/protos.ts";
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "../onnx_pb.ts";
import { fieldsOf, maxDepth } from "./wire.ts";

/** The location of data in the model's file. No other file can have this name. */
export const itself = ".";

/** Weights of so many bytes are left out; what is shorter is sooner read than found again. */
const longFrom = 1 << 16;
/** A tag and a length, or a number, take fewer. */
const longestHeader = 20;
const windowSize = 1 << 16;

const rawData = TensorProtoSchema.field.rawData.number;
/** Other messages in an attribute are kept as they are encoded, whatever is in them. */
const readOfAttribute: ReadonlySet<number> = new Set([
  AttributeProtoSchema.field.t.number,
  AttributeProtoSchema.field.g.number,
]);

/** Bytes of a file from an offset. */
export type ReadPart = (offset: number, length: number) => Uint8Array;

/** Of a field in the file: where its content starts, and where the next field does. */
interface Field {
  readonly number: number;
  readonly content: number;
  readonly end: number;
}

/**
 * Reads all but the weights: by lengths, so that these are never touched.
 * @throws Error saying where the bytes stop making sense
 */
export function outline(read: ReadPart, size: number): Uint8Array {
  let window: { start: number; bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  const headerAt = (at: number): Uint8Array => {
    const length = Math.min(longestHeader, size - at);
    if (at < window.start || at + length > window.start + window.bytes.length)
      window = { start: at, bytes: read(at, Math.min(windowSize, size - at)) };
    return window.bytes.subarray(at - window.start, at - window.start + length);
  };
  const fieldAt = (at: number): Field => {
    const reader = new BinaryReader(headerAt(at));
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      return { number, content: at, end: at + reader.pos };
    }
    const length = reader.uint32();
    return { number, content: at + reader.pos, end: at + reader.pos + length };
  };
  const walk = (schema: DescMessage, start: number, end: number, depth: number): Uint8Array[] => {
    if (depth > maxDepth) throw new Error(`its messages are nested more than ${maxDepth} deep`);
    const pieces: Uint8Array[] = [];
    let keptFrom = start;
    const keepUntil = (at: number): void => {
      if (at > keptFrom) pieces.push(read(keptFrom, at - keptFrom));
    };
    for (let at = start; at < end;) {
      const field = fieldAt(at);
      if (field.end > end) throw new Error(`byte ${at} announces more than its ${schema.name} has`);
      const replaced = field.end - field.content < longFrom ? undefined : shortened(schema, field, depth);
      if (replaced) {
        keepUntil(at);
        pieces.push(...replaced);
        keptFrom = field.end;
      }
      at = field.end;
    }
    keepUntil(end);
    return pieces;
  };
  const shortened = (schema: DescMessage, field: Field, depth: number): Uint8Array[] | undefined => {
    const { number, content, end } = field;
    if (schema === TensorProtoSchema && number === rawData) return [elsewhere(content, end - content)];
    const message = fieldsOf(schema).get(number)?.message;
    const isOpaque = schema === AttributeProtoSchema && !readOfAttribute.has(number);
    if (!message || isOpaque) return undefined;
    const inner = walk(message, content, end, depth + 1);
    const length = inner.reduce((total, piece) => total + piece.length, 0);
    return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish(), ...inner];
  };
  return concatChunks(walk(ModelProtoSchema, 0, size, 1));
}

/** The fields that a tensor has in place of its data. */
const elsewhere = (offset: number, length: number): Uint8Array =>
  toBinary(
    TensorProtoSchema,
    create(TensorProtoSchema, {
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: externalEntries({ location: itself, offset: String(offset), length: String(length) }),
    }),
  );
