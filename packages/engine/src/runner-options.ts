import type { Runtime } from "@relprop/core";
import type { InferenceSession } from "onnxruntime-common";

/** What runs the sessions. */
export interface RunnerOptions {
  readonly ort: Runtime;
  readonly sessionOptions?: InferenceSession.SessionOptions;
}
