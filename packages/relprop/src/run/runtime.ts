/** What is needed of an ONNX Runtime. */

import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";

/** Tensors by the names of inputs or outputs. */
export type NamedTensors = Readonly<Record<string, OrtTensor>>;

/** What is needed of a session. */
export interface Session {
  /** Gives all outputs. */
  run(feeds: NamedTensors): Promise<NamedTensors>;
  /**
   * Gives some outputs; others are not computed.
   * @param fetches their names
   */
  run(feeds: NamedTensors, fetches: readonly string[]): Promise<NamedTensors>;
  /** Frees what the session holds. */
  release(): Promise<void>;
}

/** What the explainer needs of onnxruntime-node, onnxruntime-web or any other that follows onnxruntime-common. */
export interface Runtime {
  /** Makes sessions. */
  readonly InferenceSession: {
    /** Opens a session of an .onnx file. */
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<Session>;
  };
  /** Makes tensors. */
  readonly Tensor: TensorConstructor;
}
