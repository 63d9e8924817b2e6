/** Element types: our names <-> the numbers of TensorProto.DataType. */

import type { DataType } from "./graph.ts";
import { TensorProto_DataType as Code } from "./onnx_pb.ts";

/** The number that ONNX files write for an element type. */
export const dataTypeCodes: Readonly<Record<DataType, Code>> = {
  float32: Code.FLOAT,
  float64: Code.DOUBLE,
  float16: Code.FLOAT16,
  bfloat16: Code.BFLOAT16,
  int8: Code.INT8,
  int16: Code.INT16,
  int32: Code.INT32,
  int64: Code.INT64,
  uint8: Code.UINT8,
  uint16: Code.UINT16,
  uint32: Code.UINT32,
  uint64: Code.UINT64,
  bool: Code.BOOL,
  string: Code.STRING,
};

const dataTypes: ReadonlyMap<number, DataType> = new Map(
  Object.entries(dataTypeCodes).map(([name, code]) => [code, name as DataType]),
);

/** The element type that a file's number stands for, or undefined if relprop has none (float8, complex), or reads it as another (int4). */
export const dataTypeOf = (code: number): DataType | undefined => dataTypes.get(code);

/** ONNX's own name of an element type, for messages. */
export const dataTypeName = (code: number): string => Code[code] ?? `number ${code}`;

/** Whole numbers of less than a byte, which relprop reads as bytes. */
const smallTypes: ReadonlyMap<number, { readonly dataType: "int8" | "uint8"; readonly bits: number }> =
  new Map([
    [Code.INT4, { dataType: "int8", bits: 4 }],
    [Code.UINT4, { dataType: "uint8", bits: 4 }],
    [Code.INT2, { dataType: "int8", bits: 2 }],
    [Code.UINT2, { dataType: "uint8", bits: 2 }],
  ]);

/** The type that tensors of a file's type are read as, and how many bits an element has in the file, if less than a byte. */
export function readTypeOf(
  code: number,
): { readonly dataType: DataType; readonly bits?: number } | undefined {
  const dataType = dataTypes.get(code);
  return dataType ? { dataType } : smallTypes.get(code);
}
