/** Model + options -> an explainer on the device asked for. */

import { Explainer, ModelFileError, RelpropError, type CompileOptions, type MethodOptions } from "relprop";
import type { Model } from "relprop/onnx";

/** Where the network runs, in ONNX Runtime's words; `gpu` is cuda. */
export type Device = "cpu" | "cuda" | "gpu" | "webgpu" | "coreml" | "dml";
export const devices: readonly Device[] = ["cpu", "cuda", "gpu", "webgpu", "coreml", "dml"];

/**
 * Compiles the model and makes its session. ONNX Runtime is loaded here and not before, so that its telemetry is off
 * and `--help` is fast.
 * @throws UnexplainableError or OptionError from compiling, ModelFileError if the session can't be made.
 */
export async function startExplainer(
  model: Model,
  device: Device,
  options: CompileOptions | MethodOptions,
): Promise<Explainer> {
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
  const { env, InferenceSession, Tensor } = await import("onnxruntime-node");
  // What goes wrong is in the exception; ONNX Runtime would print it a second time.
  env.logLevel = "fatal";
  const provider = device === "gpu" ? "cuda" : device;
  const explainer = new Explainer({
    ort: { InferenceSession, Tensor },
    model,
    sessionOptions: { executionProviders: [provider], logSeverityLevel: 3 },
    ...options,
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
