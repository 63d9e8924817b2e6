/**
 * Protobuf below the level of messages. A decoder alone reads broken files without an error, turns two bytes into an object
 * of hundreds, and boxes each float. So files are checked before they are decoded, and long lists of numbers stay views on
 * their bytes.
 */

import {
  type DescField,
  type DescMessage,
  type Message,
  type MessageShape,
  ScalarType,
  create,
  mergeFromBinary,
} from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Limit of messages, four times that of the largest public models, which bounds the memory that a file can take. */
const maxMessages = 2 ** 21;
/** Limit of the depth of nested messages. */
export const maxDepth = 64;

/** How a field must be encoded. */
interface Expected {
  readonly wireType: WireType;
  /** Whether it is a list that may be encoded as one run of bytes. */
  readonly packable: boolean;
  readonly message: DescMessage | undefined;
}

const expectedFields = new WeakMap<DescMessage, ReadonlyMap<number, Expected>>();

function scalarWireType(scalar: ScalarType): WireType {
  if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES) return WireType.LengthDelimited;
  if (scalar === ScalarType.FLOAT) return WireType.Bit32;
  return scalar === ScalarType.DOUBLE ? WireType.Bit64 : WireType.Varint;
}

function expect(field: DescField): Expected {
  const { message, scalar } = field;
  if (message) return { wireType: WireType.LengthDelimited, packable: false, message };
  const wireType = scalar === undefined ? WireType.Varint : scalarWireType(scalar);
  return { wireType, packable: field.fieldKind === "list", message: undefined };
}

/** The fields that a message can have, by number. */
export function fieldsOf(schema: DescMessage): ReadonlyMap<number, Expected> {
  let fields = expectedFields.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, expect(field)]));
    expectedFields.set(schema, fields);
  }
  return fields;
}

/**
 * Checks the structure of a message by walking over its fields, in linear time and without memory.
 * @throws Error if a field has a wrong encoding or length, or a limit is exceeded; it says where
 */
export function checkStructure(schema: DescMessage, bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  let messages = 0;
  const walk = (schema: DescMessage, end: number, depth: number): void => {
    if (depth > maxDepth) throw new Error(`its messages are nested more than ${maxDepth} deep`);
    if (++messages > maxMessages)
      throw new Error(`it has more than ${maxMessages} nodes, values and attributes`);
    const fields = fieldsOf(schema);
    while (reader.pos < end) {
      const start = reader.pos;
      const [number, wireType] = reader.tag();
      const expected = fields.get(number);
      if (expected && wireType !== expected.wireType) {
        const isPacked = expected.packable && wireType === WireType.LengthDelimited;
        if (!isPacked) throw new Error(`byte ${start} has a field of ${schema.name} in a wrong encoding`);
      }
      if (expected?.message) {
        const length = reader.uint32();
        const childEnd = reader.pos + length;
        if (childEnd > end) {
          throw new Error(`byte ${start} announces ${length} bytes, but ${end - reader.pos} are there`);
        }
        walk(expected.message, childEnd, depth + 1);
      } else {
        reader.skip(wireType, number);
      }
      if (reader.pos > end) throw new Error(`the field at byte ${start} is longer than its ${schema.name}`);
    }
  };
  walk(schema, bytes.length, 1);
}

/** A message with some fields left encoded. */
export interface PartlyDecoded<T extends Message> {
  readonly message: T;
  /** Views on the encoded fields by number, in file order; a packed list of floats is encoded as little-endian floats. */
  readonly fields: ReadonlyMap<number, readonly Uint8Array[]>;
}

/**
 * Decodes a message, but leaves some length-delimited fields encoded.
 * @param encoded numbers of the fields that stay views on `bytes`
 */
export function decodePartly<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  encoded: readonly number[],
): PartlyDecoded<MessageShape<Desc>> {
  const message = create(schema);
  const fields = new Map<number, Uint8Array[]>(encoded.map((number) => [number, []]));
  const reader = new BinaryReader(bytes);
  let runStart = 0;
  const decodeRun = (end: number): void => {
    if (end === runStart) return;
    mergeFromBinary(schema, message, bytes.subarray(runStart, end), { readUnknownFields: false });
  };
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const views = fields.get(number);
    if (views && wireType === WireType.LengthDelimited) {
      views.push(reader.bytes());
      decodeRun(start);
      runStart = reader.pos;
    } else {
      reader.skip(wireType, number);
    }
  }
  decodeRun(reader.len);
  return { message, fields };
}
