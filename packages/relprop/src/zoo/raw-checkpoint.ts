/** The interface of the readers of single formats. */

import type { Tensor } from "../onnx/graph.ts";

/** A checkpoint as a reader returns it, with names as in the file. */
export interface RawCheckpoint {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Counts bytes that were read, and returns them, copied if their address is not aligned for typed arrays. */
export type TrackProgress = (bytes: Uint8Array) => Uint8Array;
