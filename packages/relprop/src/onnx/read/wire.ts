/**
 * Protobuf below the level of messages. A decoder alone would take a broken file for a strange one, turn two bytes
 * into an object of hundreds, and box every float; so the file is surveyed before it is decoded, and the long lists of
 * numbers stay views on its bytes.
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

/** Four times what the largest public models have; a file of empty messages stops here, far from filling the memory. */
const maxMessages = 2 ** 21;
export const maxDepth = 64;

interface Expected {
  readonly wireType: WireType;
  /** The list may also come as one run of bytes. */
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

/** What a message can have, by field number. */
export function fieldsOf(schema: DescMessage): ReadonlyMap<number, Expected> {
  let fields = expectedFields.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, expect(field)]));
    expectedFields.set(schema, fields);
  }
  return fields;
}

/**
 * Walks the whole file by its lengths: linear time, no memory.
 * @throws Error saying where the bytes stop making sense, or which limit they pass
 */
export function survey(schema: DescMessage, bytes: Uint8Array): void {
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

/** A message of which some fields were left as bytes. */
export interface Apart<T extends Message> {
  readonly message: T;
  /** The bytes of those fields by number, views in file order; a packed list of floats *is* little-endian floats. */
  readonly fields: ReadonlyMap<number, readonly Uint8Array[]>;
}

/** Decodes a message, but leaves the given length-delimited fields as views on `bytes`. */
export function decodeApart<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  apart: readonly number[],
): Apart<MessageShape<Desc>> {
  const message = create(schema);
  const fields = new Map<number, Uint8Array[]>(apart.map((number) => [number, []]));
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
