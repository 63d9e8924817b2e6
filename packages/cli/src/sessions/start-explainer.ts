/** A compiled model -> an explainer on the device asked for. */

import { Explainer, ModelFileError, RelpropError, type Runtime, type SessionModel } from "@relprop/core";

/** Where the network runs, in ONNX Runtime's words; `gpu` is cuda. */
export type Device = "cpu" | "cuda" | "gpu" | "webgpu" | "coreml" | "dml";
export const devices: readonly Device[] = ["cpu", "cuda", "gpu", "webgpu", "coreml", "dml"];

/** ONNX Runtime's word for a device. */
export const providerOf = (device: Device): Exclude<Device, "gpu"> => (device === "gpu" ? "cuda" : device);

/**
 * Makes the session of a compiled model.
 * @param ort where it is made, @default this thread
 * @param threads that it computes in, @default one for each core
 * @throws ModelFileError if it can't be made
 */
export async function startExplainer(
  prepared: SessionModel,
  device: Device,
  ort?: Runtime,
  threads?: number,
): Promise<Explainer> {
  const provider = providerOf(device);
  const explainer = new Explainer({
    ort: ort ?? (await runtimeHere()),
    prepared,
    sessionOptions: {
      executionProviders: [provider],
      logSeverityLevel: 3,
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    },
  });
  try {
    await explainer.ready();
  } catch (error) {
    if (error instanceof RelpropError) throw error;
    throw new ModelFileError(
      {
        what: `cannot start the model on ${provider}`,
        why: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error),
        ...(provider === "cpu"
          ? {}
          : { fix: "use -d cpu, or install what ONNX Runtime needs for this device" }),
      },
      { cause: error },
    );
  }
  return explainer;
}

/** ONNX Runtime is loaded here and not before, so that its telemetry is off and `--help` is fast. */
async function runtimeHere(): Promise<Runtime> {
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
  const { env, InferenceSession, Tensor } = await import("onnxruntime-node");
  // What goes wrong is in the exception; ONNX Runtime would print it a second time.
  env.logLevel = "fatal";
  return { InferenceSession, Tensor };
}
