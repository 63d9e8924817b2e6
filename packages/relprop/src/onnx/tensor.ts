/** Constants of a graph <-> JavaScript numbers. Weights stay bytes until somebody needs their numbers. */

import { ModelFileError } from "../errors.ts";
import type { DataType, Tensor, TensorInfo } from "./graph.ts";
import { sure } from "../sure.ts";

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

/** The number of elements of a shape. */
export const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

/** Bytes that a tensor takes. */
export const byteLength = (dataType: DataType, dims: readonly number[]): number =>
  sizeOf(dims) * elementSize[dataType];

/** Whether two tensors have the same type, sizes and elements. */
export const sameTensor = (a: Tensor, b: Tensor): boolean =>
  a === b ||
  (a.dataType === b.dataType &&
    a.dims.join() === b.dims.join() &&
    a.bytes.length === b.bytes.length &&
    a.bytes.every((byte, i) => byte === b.bytes[i]));

/** Half a step between neighbouring numbers of a type, as a share of the larger one. */
const roundings: Readonly<Partial<Record<DataType, number>>> = {
  float16: 2 ** -11,
  bfloat16: 2 ** -8,
  float32: 2 ** -24,
};

/**
 * How far a number of a tensor may be from the one that was meant, as a share of it: 2⁻¹¹ for one that is or was stored
 * as float16, if it is no less than 2⁻¹⁴.
 */
export const roundingOf = ({ dataType, rounding }: Tensor): number => rounding ?? roundings[dataType] ?? 0;

/** A float32 tensor over the given numbers; the array's memory is shared, not copied. */
export function float32Tensor(data: Float32Array | readonly number[], dims: readonly number[]): Tensor {
  const array = data instanceof Float32Array ? data : Float32Array.from(data);
  return tensorOf("float32", array, dims);
}

/** The floating-point types. */
export type FloatType = Extract<DataType, `${string}float${string}`>;

/** Whether a type holds real numbers. */
export const isFloat = (dataType: DataType): dataType is FloatType => dataType.includes("float");

/** A tensor of any floating-point type over the given numbers, each rounded to the nearest there is. */
export function floatTensor(dataType: FloatType, data: ArrayLike<number>, dims: readonly number[]): Tensor {
  switch (dataType) {
    case "float32":
      return float32Tensor(Float32Array.from(data), dims);
    case "float64":
      return tensorOf(dataType, Float64Array.from(data), dims);
    case "float16":
      return tensorOf(dataType, Uint16Array.from(data, numberToFloat16), dims);
    case "bfloat16":
      return tensorOf(dataType, Uint16Array.from(data, numberToBfloat16), dims);
  }
}

/** Whole numbers as a constant; without dims, a vector. */
export function int64Tensor(data: readonly number[], dims: readonly number[] = [data.length]): Tensor {
  return tensorOf("int64", BigInt64Array.from(data, toInt64), dims);
}

const arrays: Partial<Record<DataType, (numbers: ArrayLike<number>) => ArrayBufferView>> = {
  float32: (numbers) => Float32Array.from(numbers),
  float64: (numbers) => Float64Array.from(numbers),
  int64: (numbers) => BigInt64Array.from(Array.from(numbers, toInt64)),
  int32: (numbers) => Int32Array.from(numbers),
  int16: (numbers) => Int16Array.from(numbers),
  int8: (numbers) => Int8Array.from(numbers),
  uint8: (numbers) => Uint8Array.from(numbers),
  uint16: (numbers) => Uint16Array.from(numbers),
  uint32: (numbers) => Uint32Array.from(numbers),
  bool: (numbers) => Uint8Array.from(numbers, (value) => Number(value !== 0)),
};

/** A tensor of the given type, or undefined for the types whose numbers are never computed (float16, strings). */
export function tensorFrom(
  dataType: DataType,
  numbers: ArrayLike<number>,
  dims: readonly number[],
): Tensor | undefined {
  const array = arrays[dataType]?.(numbers);
  return array && tensorOf(dataType, array, dims);
}

/** A tensor of integers of 8 or 16 bits, which must be in their range; undefined for other types. */
export function smallIntegers(
  dataType: DataType,
  data: readonly number[],
  dims: readonly number[],
): Tensor | undefined {
  switch (dataType) {
    case "int8":
      return tensorOf(dataType, Int8Array.from(data), dims);
    case "uint8":
      return tensorOf(dataType, Uint8Array.from(data), dims);
    case "int16":
      return tensorOf(dataType, Int16Array.from(data), dims);
    case "uint16":
      return tensorOf(dataType, Uint16Array.from(data), dims);
    default:
      return undefined;
  }
}

function tensorOf(dataType: DataType, array: ArrayBufferView, dims: readonly number[]): Tensor {
  const bytes = new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
  if (bytes.byteLength !== byteLength(dataType, dims)) {
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
  float16: (t) => widened(viewAs(t, Uint16Array), float16Numbers()),
  bfloat16: (t) => widened(viewAs(t, Uint16Array), bfloat16Numbers()),
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

/** The whole numbers of a tensor; those of int64 and uint64 are exact. Treat as read-only. */
export function bigIntegersOf(tensor: Tensor): BigInt64Array | BigUint64Array {
  if (tensor.dataType === "uint64") return viewAs(tensor, BigUint64Array);
  if (tensor.dataType === "int64") return viewAs(tensor, BigInt64Array);
  return BigInt64Array.from(Array.from(numbersOf(tensor), toInt64));
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

/** The number that each of the 65,536 patterns of 16 bits stands for: models have millions of such weights. */
const numbersOfBits = (toNumber: (bits: number) => number): (() => Float32Array) => {
  let numbers: Float32Array | undefined;
  return () => (numbers ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => toNumber(bits)));
};
const float16Numbers = numbersOfBits(float16ToNumber);
const bfloat16Numbers = numbersOfBits(bfloat16ToNumber);

function widened(bits: Uint16Array, numbers: Float32Array): Float32Array {
  const result = new Float32Array(bits.length);
  for (let i = 0; i < result.length; i++) result[i] = sure(numbers[sure(bits[i])]);
  return result;
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

/** The nearest whole number, of two equally near the even one. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.floor(Math.log2(magnitude));
  // Rounding up to the next power of two carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + roundHalfEven((magnitude / 2 ** exponent - 1) * 1024));
}

function numberToBfloat16(value: number): number {
  bitsOfFloat.setFloat32(0, value);
  const bits = bitsOfFloat.getUint32(0);
  if (Number.isNaN(value)) return 0x7fc0;
  return roundHalfEven(bits / 2 ** 16) & 0xffff;
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
