/** Pickles, legacy files and zip files written by hand, byte by byte, to say what no writer would. */

import { bytesSource, type ByteSource } from "../../src/zoo/bytes-source.ts";

export type Piece = number | string | Uint8Array | readonly Piece[];

/** Numbers are bytes, strings are Latin-1, lists are flattened. */
export function bytesOf(...pieces: readonly Piece[]): Uint8Array {
  const flat: number[] = [];
  const add = (piece: Piece): void => {
    if (typeof piece === "number") flat.push(piece);
    else if (typeof piece === "string") for (const char of piece) flat.push(char.charCodeAt(0));
    else for (const part of piece) add(part);
  };
  for (const piece of pieces) add(piece);
  return Uint8Array.from(flat);
}

export function u16(value: number): Uint8Array {
  return number(2, (view) => view.setUint16(0, value, true));
}
export function u32(value: number): Uint8Array {
  return number(4, (view) => view.setUint32(0, value, true));
}
export function u64(value: bigint): Uint8Array {
  return number(8, (view) => view.setBigUint64(0, value, true));
}
export function float32s(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function number(size: number, write: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  write(view);
  return new Uint8Array(view.buffer);
}

// Opcodes of Python's pickle protocol 2, one function each.
export const global = (module: string, name: string): Piece => ["c", module, "\n", name, "\n"];
export const text = (value: string): Piece => ["X", u32(value.length), value];
export const integer = (value: number): Piece => ["J", u32(value)];
/** LONG1 */
export const long = (value: bigint): Piece => [0x8a, 8, u64(value)];
export const tuple = (...items: readonly Piece[]): Piece => ["(", items, "t"];
export const dict = (...entries: readonly (readonly [string, Piece])[]): Piece => [
  "}(",
  entries.map(([key, value]) => [text(key), value]),
  "u",
];
export const list = (...items: readonly Piece[]): Piece => ["](", items, "e"];
export const call = (callee: Piece, ...args: readonly Piece[]): Piece => [callee, tuple(...args), "R"];
export const pickle = (value: Piece): Piece => [0x80, 2, value, "."];

export const storage = (
  key: string,
  length: Piece,
  type = "FloatStorage",
  ...view: readonly Piece[]
): Piece => [tuple(text("storage"), global("torch", type), text(key), text("cpu"), length, ...view), "Q"];

export const sizes = (...values: readonly number[]): Piece => tuple(...values.map(integer));

/** A tensor as torch has pickled it since 2018. */
export const tensor = (from: Piece, offset: Piece, size: Piece, stride: Piece): Piece =>
  call(global("torch._utils", "_rebuild_tensor_v2"), from, offset, size, stride, "\x89", "}");

export const legacyMagic: Uint8Array = bytesOf(
  0x80,
  2,
  0x8a,
  10,
  [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19],
  ".",
);

/** A legacy checkpoint of an object and its storages. */
export function legacy(
  object: Piece,
  storages: readonly (readonly [key: string, length: bigint, data: Uint8Array])[],
  system: Piece = dict(["little_endian", 0x88]),
): ByteSource {
  const bytes = bytesOf(
    legacyMagic,
    pickle(["M", u16(1001)]),
    pickle(system),
    pickle(object),
    pickle(list(...storages.map(([key]) => text(key)))),
    storages.map(([, length, data]) => [u64(length), data]),
  );
  return bytesSource("crafted.pth", bytes);
}

export interface CraftedRecord {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly claimedSize?: number;
  /** Offset to claim in the directory instead of the real one. */
  readonly claimedOffset?: number;
}

/** A zip file with one directory entry for each record. */
export function zip(...records: readonly CraftedRecord[]): ByteSource {
  let body = bytesOf();
  let directory = bytesOf();
  for (const { name, data, method = 0, flags = 0, claimedSize = data.length, claimedOffset } of records) {
    const common = [
      u16(20),
      u16(flags),
      u16(method),
      u32(0),
      u32(0),
      u32(claimedSize),
      u32(claimedSize),
      u16(name.length),
      u16(0),
    ];
    const offset = claimedOffset ?? body.length;
    body = bytesOf(body, "PK\x03\x04", common, name, data);
    directory = bytesOf(
      directory,
      "PK\x01\x02",
      u16(20),
      common,
      u16(0),
      u16(0),
      u16(0),
      u32(0),
      u32(offset),
      name,
    );
  }
  const end = [
    "PK\x05\x06",
    u16(0),
    u16(0),
    u16(records.length),
    u16(records.length),
    u32(directory.length),
    u32(body.length),
    u16(0),
  ];
  return bytesSource("crafted.pth", bytesOf(body, directory, end));
}

/** A safetensors file of a header (JSON text or a value) and data. */
export function safetensors(
  header: unknown,
  data: Uint8Array = bytesOf(),
  claimedLength?: bigint,
): ByteSource {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  return bytesSource("crafted.safetensors", bytesOf(u64(claimedLength ?? BigInt(json.length)), json, data));
}
