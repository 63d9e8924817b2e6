/** Arrays of numbers as they lie in files: their type and sizes, and any stretch of their first axis. */

import { open } from "node:fs/promises";
import { InputError, type InputArray } from "@relprop/core";
import {
  elementSize,
  longestNpyHeader,
  npyTensor,
  numbersOf,
  readNpyHeader,
  sizeOf,
  type NpyHeader,
} from "@relprop/core/internal";
import type { DataType } from "@relprop/core/onnx";

/** An array of a file. */
export interface StoredArray {
  readonly dataType: DataType;
  /** Sizes, outermost axis first. */
  readonly dims: readonly number[];
  /**
   * Reads a stretch of the first axis; of a single number that number.
   * @throws InputError if the file cannot be read
   */
  readonly read: (first: number, count: number) => Promise<InputArray>;
}

/** The sizes of a stretch of the first axis. */
const stretchDims = (dims: readonly number[], count: number): number[] =>
  dims.length === 0 ? [] : [count, ...dims.slice(1)];

/** Whole arrays up to this size are read into memory; so long is one of Fortran's order, which has no rows to read. */
const mostBytes = 2 ** 31;

/** The array of a .npy file: what is needed of it is read when it is needed. @throws InputError as {@link readNpyHeader} */
export async function openNpy(path: string): Promise<StoredArray> {
  const file = await open(path);
  let header: NpyHeader;
  try {
    const { size } = await file.stat();
    const head = new Uint8Array(Math.min(size, longestNpyHeader));
    await file.read(head, 0, head.length, 0);
    header = readNpyHeader(head, size);
  } finally {
    await file.close();
  }
  const { dims, dataType, isColumnMajor, dataStart } = header;
  const rowBytes = sizeOf(dims.slice(1)) * elementSize[dataType];
  const stretch = async (first: number, count: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(count * rowBytes);
    const reader = await open(path);
    try {
      for (let at = 0; at < bytes.length;) {
        const most = Math.min(bytes.length - at, 1 << 28);
        const { bytesRead } = await reader.read(bytes, at, most, dataStart + first * rowBytes + at);
        if (bytesRead === 0) throw new InputError({ what: `cannot read "${path}"`, why: "it was cut short" });
        at += bytesRead;
      }
    } finally {
      await reader.close();
    }
    return bytes;
  };
  if (!isColumnMajor || dims.length < 2) {
    return {
      dataType,
      dims,
      read: async (first, count) => {
        const own = stretchDims(dims, count);
        return numbers(npyTensor({ ...header, isColumnMajor: false }, await stretch(first, count), own));
      },
    };
  }
  const wanted = sizeOf(dims) * elementSize[dataType];
  if (wanted > mostBytes) {
    throw new InputError({
      what: `cannot read "${path}"`,
      why: `its ${wanted} bytes are in Fortran's order, which is read whole, and more than ${mostBytes}`,
      fix: "save it with numpy.ascontiguousarray",
    });
  }
  const whole = numbers(npyTensor(header, await stretch(0, dims[0] ?? 1), dims));
  return inMemory(dataType, whole);
}

/** The array of a .npy file that is in memory. @throws InputError as {@link readNpyHeader} */
export function npyInMemory(bytes: Uint8Array): StoredArray {
  const header = readNpyHeader(bytes);
  const tensor = npyTensor(header, bytes.subarray(header.dataStart), header.dims);
  return inMemory(header.dataType, numbers(tensor));
}

/** An array of numbers that are there already. */
export function inMemory(dataType: DataType, { data, dims }: InputArray): StoredArray {
  const rowSize = sizeOf(dims.slice(1));
  return {
    dataType,
    dims,
    read: async (first, count) => ({
      data: data.subarray(first * rowSize, (first + count) * rowSize),
      dims: stretchDims(dims, count),
    }),
  };
}

/** Half and single precision stay float32; all others are doubles, which hold whole numbers to 2⁵³. */
function numbers(tensor: ReturnType<typeof npyTensor>): InputArray {
  const list = numbersOf(tensor);
  const isSingle = tensor.dataType === "float32" || tensor.dataType === "float16";
  const data = isSingle
    ? list instanceof Float32Array
      ? list
      : Float32Array.from(list)
    : list instanceof Float64Array
      ? list
      : Float64Array.from(list);
  return { data, dims: tensor.dims };
}
