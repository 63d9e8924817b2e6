/** Converts numbers that people give to tensors of a type, and refuses those that the type does not hold. */

import type { RelpropError } from "../errors.ts";
import type { DataType, Tensor } from "./graph.ts";
import { floatTensor, isFloat, tensorFrom, type FloatType } from "./tensor.ts";

/** A type of numbers, or of yes and no. */
export type NumberType = Exclude<DataType, "string">;

/**
 * A tensor of a type. Real numbers are rounded to the nearest that it holds, of two the even one.
 * @param cannot makes the error for a number that is not in an integer type's range, from the reason
 */
export function numbersTensor(
  dataType: NumberType,
  numbers: ArrayLike<number>,
  dims: readonly number[],
  cannot: (why: string) => RelpropError,
): Tensor {
  if (isFloat(dataType)) return floatTensor(dataType, numbers, dims);
  const isIn = isInRange[dataType];
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] ?? Number.NaN;
    if (!isIn(number)) throw cannot(`it takes ${dataType}, and ${number} is none`);
  }
  // Below 2⁵³ the bytes are those of int64.
  const tensor = tensorFrom(dataType === "uint64" ? "int64" : dataType, numbers, dims);
  if (!tensor) throw cannot(`it takes ${dataType}`);
  return { ...tensor, dataType };
}

const within =
  (least: number, most: number) =>
  (number: number): boolean =>
    Number.isInteger(number) && number >= least && number <= most;

/** Whether an integer type has a number; of those of 64 bits only what a number of JavaScript holds exactly. */
const isInRange: Readonly<Record<Exclude<NumberType, FloatType>, (number: number) => boolean>> = {
  int64: Number.isSafeInteger,
  uint64: within(0, Number.MAX_SAFE_INTEGER),
  int32: within(-(2 ** 31), 2 ** 31 - 1),
  uint32: within(0, 2 ** 32 - 1),
  int16: within(-(2 ** 15), 2 ** 15 - 1),
  uint16: within(0, 2 ** 16 - 1),
  int8: within(-128, 127),
  uint8: within(0, 255),
  bool: within(0, 1),
};
