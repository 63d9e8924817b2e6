/**
 * Reads safetensors: an 8-byte length, a JSON header `{name: {dtype, shape, data_offsets}}`, then all tensors without gaps.
 * https://github.com/huggingface/safetensors (format section of its README, 2023)
 */

import type { DataType, Tensor } from "../onnx/graph.ts";
import { elementSize } from "../onnx/tensor.ts";
import { badFile, type ByteSource, readRange } from "./bytes-source.ts";
import { fieldsOf, type Fields } from "../cards/json-fields.ts";
import type { RawCheckpoint, TrackProgress } from "./raw-checkpoint.ts";

const dataTypes: ReadonlyMap<string, DataType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);

/** Limit of the header, from the specification of the format. */
const maxHeader = 100_000_000;

interface Entry {
  readonly name: string;
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Whether a file that starts with these bytes (at least 9 of them) and has this size can be a safetensors file. */
export function looksLikeSafetensors(head: Uint8Array, size: number): boolean {
  if (head.byteLength < 9 || head[8] !== 0x7b) return false;
  return headerLength(head) <= BigInt(Math.min(size - 8, maxHeader));
}

const headerLength = (head: Uint8Array): bigint =>
  new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);

/**
 * Reads a safetensors file.
 * @throws ModelFileError if its header is damaged, or tensors overlap, leave gaps or the file, or have an unknown type
 */
export async function readSafetensors(source: ByteSource, track: TrackProgress): Promise<RawCheckpoint> {
  const length = headerLength(await readRange(source, 0, 8, "header length"));
  if (length > maxHeader) throw badFile(source, `its header claims ${length} bytes, more than ${maxHeader}`);
  const dataStart = 8 + Number(length);
  const header = parseHeader(source, await readRange(source, 8, Number(length), "header"));
  const entries: Entry[] = [];
  const metadata = new Map<string, string>();
  for (const name of header.names()) {
    if (name === "__metadata__") {
      const fields = header.required(name).fields();
      for (const key of fields.names()) metadata.set(key, fields.required(key).text());
    } else {
      entries.push(entryOf(source, name, header.required(name).fields()));
    }
  }
  checkCoverage(source, entries, source.size - dataStart);
  const tensors = new Map<string, Tensor>();
  for (const { name, dataType, dims, begin, end } of entries) {
    const bytes = await readRange(source, dataStart + begin, end - begin, `tensor "${name}"`);
    tensors.set(name, { dataType, dims, bytes: track(bytes) });
  }
  return { tensors, metadata };
}

function parseHeader(source: ByteSource, bytes: Uint8Array): Fields {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw badFile(source, "it is not JSON", "header", "download the file again");
  }
  return fieldsOf(json, "", (where, why) => {
    throw badFile(source, why, `header, ${where}`);
  });
}

function entryOf(source: ByteSource, name: string, fields: Fields): Entry {
  fields.only("dtype", "shape", "data_offsets");
  const dtype = fields.required("dtype").text();
  const dataType = dataTypes.get(dtype);
  if (dataType === undefined) {
    const fix = "convert it to float16 or float32 first";
    throw badFile(source, `its elements are ${dtype}, which relprop does not read`, `tensor "${name}"`, fix);
  }
  const most = Number.MAX_SAFE_INTEGER;
  const dims = fields
    .required("shape")
    .list()
    .map((dim) => dim.integer(0, most));
  const [begin = 0, end = 0] = fields
    .required("data_offsets")
    .list(2)
    .map((offset) => offset.integer(0, most));
  const size = dims.reduce((product, dim) => product * dim, elementSize[dataType]);
  if (end - begin !== size) {
    throw badFile(
      source,
      `shape [${dims.join(", ")}] of ${dtype} is not ${end - begin} bytes`,
      `tensor "${name}"`,
    );
  }
  return { name, dataType, dims, begin, end };
}

/** Refuses gaps and overlaps, which also finds names that occur twice, since JSON.parse drops one of them. */
function checkCoverage(source: ByteSource, entries: readonly Entry[], size: number): void {
  let at = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) {
      throw badFile(
        source,
        `it begins at byte ${begin} of the data where ${at} is expected`,
        `tensor "${name}"`,
      );
    }
    at = end;
  }
  if (at !== size)
    throw badFile(
      source,
      `its tensors take ${at} bytes, and ${size} follow the header`,
      undefined,
      "download the file again",
    );
}
