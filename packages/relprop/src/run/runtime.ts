/** The part of the ONNX Runtime API that relprop uses. */

import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";

/** Tensors by the names of inputs or outputs. */
export type NamedTensors = Readonly<Record<string, OrtTensor>>;

/** A session. */
export interface Session {
  /** Returns all outputs. */
  run(feeds: NamedTensors): Promise<NamedTensors>;
  /**
   * Returns some outputs.
   * @param fetches their names
   */
  run(feeds: NamedTensors, fetches: readonly string[]): Promise<NamedTensors>;
  /** Frees the session. */
  release(): Promise<void>;
}

/** onnxruntime-node, onnxruntime-web, or any runtime with the API of onnxruntime-common. */
export interface Runtime {
  /** Makes sessions. */
  readonly InferenceSession: {
    /** Opens a session of an .onnx file. */
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<Session>;
  };
  /** Makes tensors. */
  readonly Tensor: TensorConstructor;
}
