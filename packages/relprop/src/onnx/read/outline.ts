/** Reads .onnx files without their large weights, which become external data that lies in the .onnx file itself. */

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

/** The location of external data that lies in the model's own file. No other file can have this name. */
export const ownLocation = ".";

/** Weights of fewer bytes are read: that is faster than a later access. */
const minLength = 1 << 16;
/** Limit of the bytes of a tag with a length or a number. */
const maxHeader = 20;
const windowSize = 1 << 16;

const rawData = TensorProtoSchema.field.rawData.number;
/** The messages of an attribute that are decoded; others stay encoded. */
const decodedInAttribute: ReadonlySet<number> = new Set([
  AttributeProtoSchema.field.t.number,
  AttributeProtoSchema.field.g.number,
]);

/** Reads bytes of a file from an offset. */
export type ReadPart = (offset: number, length: number) => Uint8Array;

/** A field in the file: its number, and the offsets of its content and of the next field. */
interface Field {
  readonly number: number;
  readonly content: number;
  readonly end: number;
}

/**
 * The bytes of the file with large weights replaced. It skips them by their length, so they are never read.
 * @throws Error if the bytes are not a valid message; it says where
 */
export function outline(read: ReadPart, size: number): Uint8Array {
  let window: { start: number; bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  const headerAt = (at: number): Uint8Array => {
    const length = Math.min(maxHeader, size - at);
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
      if (field.end > end) throw new Error(`the field at byte ${at} is longer than its ${schema.name}`);
      const replaced = field.end - field.content < minLength ? undefined : shortened(schema, field, depth);
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
    const isOpaque = schema === AttributeProtoSchema && !decodedInAttribute.has(number);
    if (!message || isOpaque) return undefined;
    const inner = walk(message, content, end, depth + 1);
    const length = inner.reduce((total, piece) => total + piece.length, 0);
    return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish(), ...inner];
  };
  return concatChunks(walk(ModelProtoSchema, 0, size, 1));
}

/** The fields that replace the data of a tensor. */
const elsewhere = (offset: number, length: number): Uint8Array =>
  toBinary(
    TensorProtoSchema,
    create(TensorProtoSchema, {
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: externalEntries({
        location: ownLocation,
        offset: String(offset),
        length: String(length),
      }),
    }),
  );
