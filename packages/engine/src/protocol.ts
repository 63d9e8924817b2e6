/**
 * The messages of the app and the local engine over a WebSocket, and their binary encoding.
 *
 * One message is one binary frame: uint32 (little-endian) length of the header, the header (UTF-8 JSON
 * `{ message, buffers: [{ kind, bytes }] }`, padded with spaces to a multiple of 4), then the buffers one after another,
 * each padded with zeros to a multiple of 4. In `message` a typed array is written as `{ "$buffer": index }`.
 */

import { InputError } from "@relprop/core";
import type {
  AnswerNumbers,
  EngineStatus,
  ExplainRequest,
  ExplainResult,
  LayerRequest,
  LayerResult,
  LedgerResult,
  LoadedModel,
  ModelSource,
  OfferedModel,
  Picture,
  ScoreRequest,
} from "./engine.ts";

/** Path of the WebSocket on the server that serves the app. */
export const enginePath = "/engine";
/** Name of the URL parameter that holds the token, in the page's address and in the socket's. */
export const tokenParameter = "token";

/** A request of the app. Every answer carries its `id`. */
export type EngineRequest =
  | { readonly id: number; readonly ask: "load"; readonly source: ModelSource }
  | { readonly id: number; readonly ask: "explain"; readonly request: ExplainRequest }
  | { readonly id: number; readonly ask: "explainBest"; readonly request: ExplainRequest }
  | { readonly id: number; readonly ask: "answer"; readonly picture: Picture }
  | { readonly id: number; readonly ask: "scores"; readonly request: ScoreRequest }
  | { readonly id: number; readonly ask: "ledger"; readonly request: ExplainRequest }
  | { readonly id: number; readonly ask: "layer"; readonly request: LayerRequest }
  | { readonly id: number; readonly ask: "models" }
  | { readonly id: number; readonly ask: "status" };

/** The type of answer to each request. */
export interface EngineAnswers {
  readonly load: LoadedModel;
  readonly explain: ExplainResult;
  readonly explainBest: readonly ExplainResult[];
  readonly answer: AnswerNumbers;
  readonly scores: Float32Array;
  readonly ledger: LedgerResult;
  readonly layer: LayerResult;
  readonly models: readonly OfferedModel[];
  readonly status: EngineStatus;
}

/** A response of the server. `error.message` is fit for the page. */
export type EngineResponse =
  | { readonly id: number; readonly say: "answer"; readonly answer: EngineAnswers[keyof EngineAnswers] }
  | { readonly id: number; readonly say: "progress"; readonly fraction: number; readonly what: string }
  | { readonly id: number; readonly say: "error"; readonly name: string; readonly message: string };

const kinds = {
  uint8: Uint8Array,
  clamped: Uint8ClampedArray,
  float32: Float32Array,
} as const;
type Kind = keyof typeof kinds;
type Numbers = Uint8Array | Uint8ClampedArray | Float32Array;

interface BufferInfo {
  readonly kind: Kind;
  /** Length in bytes. */
  readonly bytes: number;
}

const padded = (length: number): number => 4 * Math.ceil(length / 4);

function kindOf(value: unknown): Kind | undefined {
  if (value instanceof Uint8ClampedArray) return "clamped";
  if (value instanceof Uint8Array) return "uint8";
  return value instanceof Float32Array ? "float32" : undefined;
}

/** Encodes a message of plain data and typed arrays (uint8, clamped uint8, float32). */
export function encodeMessage(message: object): Uint8Array<ArrayBuffer> {
  const arrays: Numbers[] = [];
  const buffers: BufferInfo[] = [];
  // `this` holds the original array: JSON.stringify has already converted a Node Buffer in `value`.
  const text = JSON.stringify(message, function (this: Record<string, unknown>, key, value: unknown) {
    const kind = kindOf(this[key]);
    if (!kind) return value;
    const array = this[key] as Numbers;
    arrays.push(array);
    buffers.push({ kind, bytes: array.byteLength });
    return { $buffer: arrays.length - 1 };
  });
  const header = new TextEncoder().encode(`{"message":${text},"buffers":${JSON.stringify(buffers)}}`);
  const start = 4 + padded(header.length);
  const total = buffers.reduce((sum, { bytes }) => sum + padded(bytes), start);
  const frame = new Uint8Array(total).fill(32, 0, start);
  new DataView(frame.buffer).setUint32(0, padded(header.length), true);
  frame.set(header, 4);
  let at = start;
  for (const array of arrays) {
    frame.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += padded(array.byteLength);
  }
  return frame;
}

/**
 * Decodes a message. Its typed arrays are copies. The caller must check the message itself.
 * @throws InputError if the frame is malformed: truncated, not JSON, a buffer beyond its end, an unknown kind.
 */
export function decodeMessage(frame: Uint8Array): unknown {
  const { message, buffers, start } = readHeader(frame);
  let at = start;
  const arrays = buffers.map((info): Numbers => {
    const { kind, bytes } = bufferInfo(info);
    if (at + padded(bytes) > frame.length) throw malformed(`buffer of ${bytes} bytes ends after the frame`);
    // Not slice: on a Node Buffer it returns a view into shared memory.
    const copy = new Uint8Array(frame.subarray(at, at + bytes));
    at += padded(bytes);
    return new kinds[kind](copy.buffer);
  });
  if (at !== frame.length) throw malformed(`${frame.length - at} bytes belong to no buffer`);
  return place(message, arrays);
}

function readHeader(frame: Uint8Array): { message: unknown; buffers: readonly unknown[]; start: number } {
  if (frame.length < 4) throw malformed(`it has ${frame.length} bytes`);
  const length = new DataView(frame.buffer, frame.byteOffset, 4).getUint32(0, true);
  if (4 + length > frame.length) throw malformed("its header ends after the frame");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(frame.subarray(4, 4 + length)));
  } catch (error) {
    throw malformed(`its header is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const isWhole = typeof header === "object" && header !== null && "message" in header && "buffers" in header;
  if (!isWhole) throw malformed("its header lacks message or buffers");
  const { message, buffers } = header as { message: unknown; buffers: unknown };
  if (!Array.isArray(buffers)) throw malformed("its buffers are no list");
  return { message, buffers, start: 4 + length };
}

function bufferInfo(info: unknown): BufferInfo {
  const { kind, bytes } = (info ?? {}) as Partial<BufferInfo>;
  if (typeof kind !== "string" || !Object.hasOwn(kinds, kind)) throw malformed(`unknown kind of buffer`);
  const isSize = typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0;
  if (!isSize || (kind === "float32" && bytes % 4 !== 0)) throw malformed(`bad size of a buffer`);
  return { kind, bytes };
}

/** Replaces references to buffers by the arrays. */
function place(value: unknown, arrays: readonly Numbers[]): unknown {
  if (Array.isArray(value)) return value.map((each) => place(each, arrays));
  if (typeof value !== "object" || value === null) return value;
  if ("$buffer" in value) {
    const array = typeof value.$buffer === "number" ? arrays[value.$buffer] : undefined;
    if (!array) throw malformed("it refers to a buffer that isn't there");
    return array;
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, place(each, arrays)]));
}

const malformed = (why: string): InputError =>
  new InputError({ what: "cannot read a message", why, fix: "app and engine must be of the same version" });
