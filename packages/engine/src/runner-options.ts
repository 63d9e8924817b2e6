import type { Runtime } from "@relprop/core";
import type { InferenceSession } from "onnxruntime-common";

/** The runtime of the sessions, and its options. */
export interface RunnerOptions {
  readonly ort: Runtime;
  readonly sessionOptions?: InferenceSession.SessionOptions;
}
