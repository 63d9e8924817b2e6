/**
 * Whole numbers of 2 and 4 bits. ONNX files pack several into a byte, the first in the lowest bits. relprop reads them as
 * int8 and uint8, and remembers the packed bytes, so that compiled files are no larger.
 */

import type { DataType, Tensor } from "./graph.ts";
import { sizeOf } from "./tensor.ts";

/** The bytes that whole numbers were unpacked from. */
export interface Packed {
  /** uint8. */
  readonly bytes: Tensor;
  /** Bits of a number: 2, 4 or 8. */
  readonly bits: number;
  /** Whether the first number is in the highest bits of a byte. */
  readonly highFirst: boolean;
}

const packed = new WeakMap<Tensor, Packed>();

/** What a tensor was unpacked from; undefined for one that was not. */
export const packedOf = (tensor: Tensor): Packed | undefined => packed.get(tensor);

/** The unpacked numbers, computed when they are asked for. @param dataType int8 or uint8 */
export function unpackedTensor(from: Packed, dims: readonly number[], dataType: DataType = "uint8"): Tensor {
  let held: WeakRef<Uint8Array> | undefined;
  const tensor: Tensor = {
    dataType,
    dims,
    get bytes() {
      const bytes = held?.deref() ?? unpacked(from, sizeOf(dims), dataType === "int8");
      held = new WeakRef(bytes);
      return bytes;
    },
  };
  packed.set(tensor, from);
  return tensor;
}

function unpacked(
  { bytes: { bytes }, bits, highFirst }: Packed,
  count: number,
  isSigned: boolean,
): Uint8Array {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const half = 2 ** (bits - 1);
  const result = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const place = i % perByte;
    const shift = bits * (highFirst ? perByte - 1 - place : place);
    const number = ((bytes[Math.floor(i / perByte)] ?? 0) >> shift) & mask;
    result[i] = isSigned && number >= half ? number - 2 * half : number;
  }
  return result;
}
