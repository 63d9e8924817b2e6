/** A compiled model -> an explainer on the chosen device. */

import { Explainer, ModelFileError, RelpropError, type Runtime, type SessionModel } from "@relprop/core";

/** Devices by ONNX Runtime's names; `gpu` means cuda. */
export type Device = "cpu" | "cuda" | "gpu" | "webgpu" | "coreml" | "dml";
export const devices: readonly Device[] = ["cpu", "cuda", "gpu", "webgpu", "coreml", "dml"];

/** ONNX Runtime's name of a device. */
export const providerOf = (device: Device): Exclude<Device, "gpu"> => (device === "gpu" ? "cuda" : device);

/**
 * Creates the session of a compiled model.
 * @param ort runtime of the session, @default this thread's
 * @param threads number of compute threads, @default one per core
 * @throws ModelFileError if it cannot be created
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

/** Loads ONNX Runtime late, to turn its telemetry off first and to keep `--help` fast. */
async function runtimeHere(): Promise<Runtime> {
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
  const { env, InferenceSession, Tensor } = await import("onnxruntime-node");
  // Errors are thrown; ONNX Runtime would also print them.
  env.logLevel = "fatal";
  return { InferenceSession, Tensor };
}
