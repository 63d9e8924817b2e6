/** The engine of one app: its model, run by onnxruntime-node, one request at a time. */

import { ModelFileError, type ExplainerOptions, type Runtime } from "@relprop/core";
import type { LoadedModel, ModelSource } from "@relprop/engine/engine";
import { ModelRunner } from "@relprop/engine/model-runner";
import type { EngineAnswers, EngineRequest } from "@relprop/engine/protocol";
import { warmUp } from "@relprop/engine/warm-up";
import { providerOf, type Device } from "../sessions/start-explainer.ts";
import { loadSource, offeredModels, type KnownModels } from "./load-source.ts";

/** Models up to this many bytes of weights have a session more, for the maps of several classes at once. */
const mostWeightsForMaps = 6e8;

/** The runtime that all engines of a server share. */
export interface NativeRuntime {
  readonly ort: Runtime;
  readonly sessionOptions: NonNullable<ExplainerOptions["sessionOptions"]>;
  readonly device: Device;
}

/** Loads ONNX Runtime. The main thread must have turned off its telemetry before. */
export async function nativeRuntime(device: Device): Promise<NativeRuntime> {
  const { env, InferenceSession, Tensor } = await import("onnxruntime-node");
  env.logLevel = "fatal";
  return {
    ort: { InferenceSession, Tensor },
    sessionOptions: { executionProviders: [providerOf(device)], logSeverityLevel: 3 },
    device,
  };
}

type Progress = (fraction: number, what: string) => void;

/** Answers requests. The caller sends one at a time. */
export class NativeEngine {
  readonly #runtime: NativeRuntime;
  readonly #known: KnownModels;
  #runner: ModelRunner | undefined;

  constructor(runtime: NativeRuntime, known: KnownModels) {
    this.#runtime = runtime;
    this.#known = known;
  }

  /** @throws errors of loading, compiling and running, with messages that are fit for the page. */
  async answer(request: EngineRequest, onProgress: Progress): Promise<EngineAnswers[keyof EngineAnswers]> {
    switch (request.ask) {
      case "load":
        return this.#load(request.source, onProgress);
      case "explain":
        return this.#loaded().explain(request.request);
      case "explainBest":
        return this.#loaded().explainBest(request.request);
      case "answer":
        return this.#loaded().answer(request.picture);
      case "scores":
        return this.#loaded().scores(request.request);
      case "ledger":
        return this.#loaded().ledger(request.request);
      case "layer":
        return this.#loaded().layer(request.request);
      case "models":
        return offeredModels(this.#known);
      case "status": {
        const { device } = this.#runtime;
        return { provider: "local", words: `this machine, native${device === "cpu" ? "" : ` (${device})`}` };
      }
    }
  }

  async dispose(): Promise<void> {
    const runner = this.#runner;
    this.#runner = undefined;
    await runner?.dispose();
  }

  async #load(source: ModelSource, onProgress: Progress): Promise<LoadedModel> {
    onProgress(0, "reading the model");
    const read = await loadSource(source, this.#known);
    onProgress(0.5, "compiling the explanation");
    const { ort, sessionOptions } = this.#runtime;
    const runner = new ModelRunner(source.name, read, { ort, sessionOptions }, mostWeightsForMaps);
    onProgress(0.8, "warming up");
    await warmUp(runner);
    // Only now: if the new model fails, the app keeps the old one.
    await this.dispose();
    this.#runner = runner;
    onProgress(1, "ready");
    return runner.loaded;
  }

  #loaded(): ModelRunner {
    if (this.#runner) return this.#runner;
    throw new ModelFileError({
      what: "cannot run a model",
      why: "none is loaded",
      fix: "choose a model first",
    });
  }
}
