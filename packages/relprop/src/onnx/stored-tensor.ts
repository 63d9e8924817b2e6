/** Tensors whose bytes stay in a file until somebody needs them: half of what a large network would take of memory. */

import type { DataType, Tensor } from "./graph.ts";

/** Where bytes lie in a file of the machine. */
export interface Place {
  /** The file. */
  readonly path: string;
  /** Where in it the bytes begin. */
  readonly offset: number;
}

/** Bytes that were left in a file. */
export interface StoredBytes extends Place {
  read(): Uint8Array;
}

/** Of the tensors themselves: a copy with other sizes or bytes must not be taken for what is in the file. */
const places = new WeakMap<Tensor, Place>();

/** A tensor that reads its bytes when it is asked for them, and again if they were let go of since. */
export function storedTensor(dataType: DataType, dims: readonly number[], stored: StoredBytes): Tensor {
  let held: WeakRef<Uint8Array> | undefined;
  const tensor: Tensor = {
    dataType,
    dims,
    get bytes() {
      const bytes = held?.deref() ?? stored.read();
      held = new WeakRef(bytes);
      return bytes;
    },
  };
  places.set(tensor, stored);
  return tensor;
}

/** Where a tensor's bytes lie, if they were left in a file. */
export const placeOf = (tensor: Tensor): Place | undefined => places.get(tensor);
