/** Constants of a graph <-> JavaScript numbers. Weights stay bytes until somebody needs their numbers. */

import { ModelFileError } from "../errors.ts";
import type { DataType, Tensor, TensorInfo } from "./graph.ts";

/** Bytes an element takes. */
export const elementSize: Readonly<Record<DataType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
  string: 0,
};

export const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

/** A float32 tensor over the given numbers; the array's memory is shared, not copied. */
export function float32Tensor(data: Float32Array | readonly number[], dims: readonly number[]): Tensor {
  const array = data instanceof Float32Array ? data : Float32Array.from(data);
  return tensorOf("float32", array, dims);
}

export function int64Tensor(data: readonly number[], dims: readonly number[] = [data.length]): Tensor {
  return tensorOf("int64", BigInt64Array.from(data, toInt64), dims);
}

function tensorOf(dataType: DataType, array: ArrayBufferView, dims: readonly number[]): Tensor {
  const bytes = new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
  if (bytes.byteLength !== sizeOf(dims) * elementSize[dataType]) {
    throw new RangeError(
      `${bytes.byteLength} bytes do not fill a ${dataType} tensor of shape [${dims.join(", ")}]`,
    );
  }
  return { dataType, dims, bytes };
}

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/** The nearest int64: numbers beyond 2^53 stand for "as far as it goes" in Slice, and must not overflow. */
export function toInt64(value: number): bigint {
  if (!Number.isFinite(value)) return value > 0 ? maxInt64 : minInt64;
  const big = BigInt(Math.trunc(value));
  return big > maxInt64 ? maxInt64 : big < minInt64 ? minInt64 : big;
}

/** The same bytes at an address that typed arrays accept; copies only if they are not aligned already. */
function aligned(tensor: Tensor): { buffer: ArrayBuffer; byteOffset: number; length: number } {
  const size = elementSize[tensor.dataType];
  const bytes = tensor.bytes.byteOffset % size === 0 ? tensor.bytes : new Uint8Array(tensor.bytes);
  return {
    buffer: bytes.buffer as ArrayBuffer,
    byteOffset: bytes.byteOffset,
    length: bytes.byteLength / size,
  };
}

const numberReaders: Partial<Record<DataType, (tensor: Tensor) => ArrayLike<number>>> = {
  float32: float32Data,
  float64: (t) => viewAs(t, Float64Array),
  float16: (t) => Float32Array.from(viewAs(t, Uint16Array), float16ToNumber),
  bfloat16: (t) => Float32Array.from(viewAs(t, Uint16Array), bfloat16ToNumber),
  int8: (t) => viewAs(t, Int8Array),
  int16: (t) => viewAs(t, Int16Array),
  int32: (t) => viewAs(t, Int32Array),
  int64: (t) => Array.from(viewAs(t, BigInt64Array), Number),
  uint8: (t) => viewAs(t, Uint8Array),
  uint16: (t) => viewAs(t, Uint16Array),
  uint32: (t) => viewAs(t, Uint32Array),
  uint64: (t) => Array.from(viewAs(t, BigUint64Array), Number),
  bool: (t) => viewAs(t, Uint8Array),
};

function viewAs<T>(
  tensor: Tensor,
  View: new (buffer: ArrayBuffer, byteOffset: number, length: number) => T,
): T {
  const { buffer, byteOffset, length } = aligned(tensor);
  return new View(buffer, byteOffset, length);
}

/** A float32 tensor's numbers: a view where its bytes are aligned, else a copy. Treat as read-only. */
export function float32Data(tensor: Tensor): Float32Array {
  return viewAs(tensor, Float32Array);
}

/** The numbers of a tensor of any numeric type. Treat as read-only. */
export function numbersOf(tensor: Tensor): ArrayLike<number> {
  const read = numberReaders[tensor.dataType];
  if (!read)
    throw new ModelFileError({
      what: "cannot read a constant",
      why: `its elements are ${tensor.dataType}, not numbers`,
    });
  return read(tensor);
}

function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bitsOfFloat = new DataView(new ArrayBuffer(4));
function bfloat16ToNumber(bits: number): number {
  bitsOfFloat.setUint32(0, bits << 16);
  return bitsOfFloat.getFloat32(0);
}

/** The elements of a small integer value, if all of them are known: axes, sizes, pads. */
export function constantIntegers(value: TensorInfo): readonly number[] | undefined {
  const elements =
    value.elements ??
    (value.constant && value.constant.dataType.includes("int")
      ? Array.from(numbersOf(value.constant))
      : undefined);
  return elements?.every((element) => typeof element === "number")
    ? (elements as readonly number[])
    : undefined;
}
