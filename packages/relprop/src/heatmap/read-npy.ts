/** Reads NumPy's .npy files: arrays of numbers or booleans, in either byte order, row- or column-major, but no pickles. */

import { InputError } from "../errors.ts";
import type { DataType, Tensor } from "../onnx/graph.ts";
import { elementSize, numbersOf, sizeOf } from "../onnx/tensor.ts";
import type { FloatArray } from "../run/float-array.ts";

/** What the beginning of a .npy file says. */
export interface NpyHeader {
  /** Type of the elements. */
  readonly dataType: DataType;
  /** Sizes, outermost axis first. */
  readonly dims: readonly number[];
  /** Whether the first axis runs fastest, as in Fortran. */
  readonly isColumnMajor: boolean;
  /** Whether the highest byte of an element comes first. */
  readonly isBigEndian: boolean;
  /** Where the elements begin, in bytes. */
  readonly dataStart: number;
}

/** Element types by `descr`: kind and size in bytes. */
const dataTypes: ReadonlyMap<string, DataType> = new Map([
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
  ["i1", "int8"],
  ["i2", "int16"],
  ["i4", "int32"],
  ["i8", "int64"],
  ["u1", "uint8"],
  ["u2", "uint16"],
  ["u4", "uint32"],
  ["u8", "uint64"],
  ["b1", "bool"],
]);

/** What other kinds of elements are, by their first letter. */
const otherKinds: Readonly<Record<string, string>> = {
  O: "Python objects, which are never unpickled",
  c: "complex numbers",
  U: "text",
  S: "text",
  V: "records",
  M: "dates",
  m: "spans of time",
  f: "floating-point numbers of a size that no model takes",
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** A header longer than this is none: that of an array with 64 axes takes less than 2 KB. */
export const longestNpyHeader = 1 << 16;

/**
 * Reads what the beginning of a .npy file says. Format: numpy.lib.format, versions 1.0 to 3.0.
 * @param bytes the file, or its first {@link longestNpyHeader} bytes
 * @param fileSize of the whole file, in bytes
 * @throws InputError if it is not such a file, holds anything but numbers, or is not as long as its shape asks for
 */
export function readNpyHeader(bytes: Uint8Array, fileSize: number = bytes.length): NpyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte))
    throw broken("it does not begin like one");
  const isShort = bytes[6] === 1;
  if (![1, 2, 3].includes(bytes[6] ?? 0)) throw broken(`its version is ${bytes[6]}`);
  const textStart = isShort ? 10 : 12;
  const dataStart = textStart + (isShort ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataStart > bytes.length) throw broken("its header is cut short");
  const header = parsed(new TextDecoder().decode(bytes.subarray(textStart, dataStart)));
  const wanted = sizeOf(header.dims) * elementSize[header.dataType];
  if (!Number.isSafeInteger(wanted) || fileSize - dataStart !== wanted)
    throw broken(
      `its shape (${header.dims.join(", ")}) does not fit its ${fileSize - dataStart} bytes of data`,
    );
  return { ...header, dataStart };
}

/**
 * Elements of a .npy file as a tensor, row-major.
 * @param bytes of the elements alone, little- or big-endian as the header says
 * @param dims of these elements: all of the file's, or fewer along the first axis of a row-major array
 */
export function npyTensor(header: NpyHeader, bytes: Uint8Array, dims: readonly number[]): Tensor {
  const { dataType, isBigEndian, isColumnMajor } = header;
  const size = elementSize[dataType];
  const little = isBigEndian && size > 1 ? swapped(bytes, size) : bytes;
  return { dataType, dims, bytes: isColumnMajor ? rowMajor(little, size, dims) : little };
}

/**
 * Reads the array of a .npy file as float32, row-major.
 * @throws InputError if it is not such a file, is cut short, or holds anything but numbers
 */
export function readNpy(bytes: Uint8Array): FloatArray {
  const header = readNpyHeader(bytes);
  const { dims } = header;
  const numbers = numbersOf(npyTensor(header, bytes.subarray(header.dataStart), dims));
  return { data: Float32Array.from(numbers), dims };
}

function parsed(header: string): Omit<NpyHeader, "dataStart"> {
  const descr = /'descr':\s*'([<>|=])([a-zA-Z]\d*)/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header);
  const isOfRecords = /'descr':\s*\[/.test(header);
  if (isOfRecords) throw broken(`its elements are ${otherKinds["V"]}, not numbers`);
  if (!descr || !order || !shape) throw broken("its header says no shape and type of numbers");
  const [, sign, type = ""] = descr;
  const dataType = dataTypes.get(type);
  if (!dataType) throw broken(`its elements are ${otherKinds[type[0] ?? ""] ?? `"${type}"`}, not numbers`);
  const dims = (shape[1] ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  return { dataType, dims, isColumnMajor: order[1] === "True", isBigEndian: sign === ">" };
}

/** The bytes of each element in reverse order. */
function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += size)
    for (let i = 0; i < size; i++) result[at + i] = bytes[at + size - 1 - i] ?? 0;
  return result;
}

/** Elements in row-major order, from those in column-major order. */
function rowMajor(bytes: Uint8Array, size: number, dims: readonly number[]): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const count = sizeOf(dims);
  for (let i = 0; i < count; i++) {
    let [rest, at, step] = [i, 0, count];
    for (const length of dims.toReversed()) {
      step /= length;
      at += (rest % length) * step;
      rest = Math.floor(rest / length);
    }
    result.set(bytes.subarray(at * size, (at + 1) * size), i * size);
  }
  return result;
}

const broken = (why: string): InputError => new InputError({ what: "cannot read this .npy file", why });
