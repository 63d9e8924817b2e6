/** Converts numbers to tensors of an input's type, and output tensors to numbers. */

import type { Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { InputError } from "../errors.ts";
import type { FloatArray, InputArray } from "./float-array.ts";
import type { Value } from "../onnx/graph.ts";
import { floatTensor, numbersOf } from "../onnx/tensor.ts";

/**
 * A tensor for an input of type float32, float16, float64, or int32 and int64 for token ids.
 * @throws InputError for other types
 */
export function feedTensor(
  Tensor: TensorConstructor,
  { name, dataType }: Pick<Value, "name" | "dataType">,
  { data, dims }: InputArray,
): OrtTensor {
  const numbers = data instanceof BigInt64Array ? Array.from(data, Number) : data;
  switch (dataType) {
    case "float32":
      return new Tensor("float32", data instanceof Float32Array ? data : Float32Array.from(numbers), dims);
    case "float64":
      return new Tensor("float64", Float64Array.from(numbers), dims);
    case "int64":
      return new Tensor("int64", BigInt64Array.from(numbers, BigInt), dims);
    case "int32":
      return new Tensor("int32", Int32Array.from(numbers), dims);
    case "float16": {
      const { bytes } = floatTensor("float16", numbers, dims);
      return new Tensor("float16", new Uint16Array(bytes.buffer as ArrayBuffer), dims);
    }
    default:
      throw new InputError({
        what: "cannot feed the model",
        where: `input "${name}"`,
        why: `it takes ${dataType}, and relprop feeds numbers or token ids`,
      });
  }
}

/** The numbers of a float32, float16 or float64 tensor; undefined for other types. */
export function fetchedNumbers(tensor: OrtTensor): FloatArray | undefined {
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
      return undefined;
  }
}
