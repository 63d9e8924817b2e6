/** What the readers of the single formats give. */

import type { Tensor } from "../onnx/graph.ts";

export interface RawCheckpoint {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Counts bytes that were read and gives them back, moved to an address that typed arrays accept if need be. */
export type TrackProgress = (bytes: Uint8Array) => Uint8Array;
