/** Converts numbers to tensors of an input's type, and output tensors to numbers. */

import type { Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { InputError } from "../errors.ts";
import type { FloatArray, InputArray } from "./float-array.ts";
import type { DataType, Value } from "../onnx/graph.ts";
import { numbersTensor } from "../onnx/numbers-tensor.ts";
import { numbersOf } from "../onnx/tensor.ts";

/** The views that ONNX Runtime wants of a tensor's bytes. */
const views = {
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

const canFeed = (dataType: DataType): dataType is keyof typeof views => dataType in views;

/**
 * A tensor of the type that an input has. Real numbers are rounded to the nearest that it holds, of two the even one.
 * @throws InputError for an input of text or bfloat16, and for numbers that are not in an integer input's range
 */
export function feedTensor(
  Tensor: TensorConstructor,
  { name, dataType }: Pick<Value, "name" | "dataType">,
  { data, dims }: InputArray,
): OrtTensor {
  if (dataType === "float32")
    return new Tensor(
      "float32",
      data instanceof Float32Array ? data : Float32Array.from(numbersIn(data)),
      dims,
    );
  const cannot = (why: string): InputError =>
    new InputError({ what: "cannot feed the model", where: `input "${name}"`, why });
  if (!canFeed(dataType)) throw cannot(`it takes ${dataType}, and relprop feeds numbers`);
  if (dataType === "int64" && data instanceof BigInt64Array) return new Tensor("int64", data, dims);
  const numbers = numbersIn(data);
  const tensor = numbersTensor(dataType, numbers, dims, cannot);
  const { buffer, byteOffset } = tensor.bytes;
  const View = views[dataType];
  return new Tensor(
    dataType,
    new View(buffer as ArrayBuffer, byteOffset, data.length) as OrtTensor["data"],
    dims,
  );
}

const numbersIn = (data: InputArray["data"]): ArrayLike<number> =>
  data instanceof BigInt64Array ? Array.from(data, Number) : data;

/**
 * The numbers of a float32, float16 or float64 tensor; undefined for other types.
 * @param isCounted whether whole numbers are wanted, too
 */
export function fetchedNumbers(tensor: OrtTensor, isCounted = false): FloatArray | undefined {
  const { type, data, dims } = tensor;
  switch (type) {
    case "float32":
      return { data: data as Float32Array, dims };
    case "float64":
      return { data: Float32Array.from(data as Float64Array), dims };
    case "float16": {
      const { buffer, byteOffset, byteLength } = data as Uint16Array<ArrayBuffer>;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      return { data: Float32Array.from(numbersOf({ dataType: "float16", dims, bytes })), dims };
    }
    default:
      if (!isCounted || type === "string") return undefined;
      return { data: Float32Array.from(data as Int32Array, Number), dims };
  }
}
