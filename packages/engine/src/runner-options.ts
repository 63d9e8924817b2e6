import type { Runtime } from "@relprop/core";
import type { InferenceSession } from "onnxruntime-common";

/** The runtime of the sessions, and its options. */
export interface RunnerOptions {
  readonly ort: Runtime;
  readonly sessionOptions?: InferenceSession.SessionOptions;
  /** Up to how many bytes of weights a model has one more session, for the maps of several classes at once. @default 16e6 */
  readonly mostWeightsForMaps?: number;
}
