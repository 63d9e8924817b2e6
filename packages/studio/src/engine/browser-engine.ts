/** The engine in this browser: ONNX Runtime Web in a worker. */

import { proxy, releaseProxy, wrap, type Remote } from "comlink";
import { InputError, ModelFileError, OptionError } from "@relprop/core";
import { parseModelCard } from "@relprop/core/zoo";
import type {
  AnswerNumbers,
  Engine,
  EngineStatus,
  ExplainRequest,
  ExplainResult,
  LayerRequest,
  LayerResult,
  LedgerResult,
  LoadedModel,
  ModelSource,
  OfferedModel,
  Picture,
  ScoreRequest,
} from "@relprop/engine/engine";
import type { ModelFile, ProviderChoice } from "./engine-host.ts";
import { fetchBytes, megabytes } from "./fetch-bytes.ts";
import { storedTimings } from "./provider-timings.ts";
import type { WorkerApi } from "./worker.ts";

type Progress = (fraction: number, what: string) => void;

/** URL of a shipped model's files, `name.onnx` and `name.card.json`. */
const shippedUrl = (file: string): string => new URL(`models/${file}`, document.baseURI).href;

/** Runs models in one worker; nothing leaves the device. The worker starts with the first model. */
export class BrowserEngine implements Engine {
  readonly #choice: ProviderChoice;
  readonly #onStatus: (status: EngineStatus) => void;
  #worker: Worker | undefined;
  #remote: Remote<WorkerApi> | undefined;
  readonly #failing = new Set<(error: Error) => void>();

  /** @param onStatus called for unrequested changes: WebGPU was lost and the model continues on WASM */
  constructor(choice: ProviderChoice = "auto", onStatus: (status: EngineStatus) => void = () => undefined) {
    this.#choice = choice;
    this.#onStatus = onStatus;
  }

  async load(source: ModelSource, onProgress: Progress = () => undefined): Promise<LoadedModel> {
    const file = await this.#file(source, onProgress);
    return this.#ask((remote) => remote.load(file, this.#choice, proxy(onProgress)));
  }

  explain(request: ExplainRequest): Promise<ExplainResult> {
    return this.#ask((remote) => remote.explain(request));
  }

  explainBest(request: ExplainRequest): Promise<readonly ExplainResult[]> {
    return this.#ask((remote) => remote.explainBest(request));
  }

  answer(picture: Picture): Promise<AnswerNumbers> {
    return this.#ask((remote) => remote.answer(picture));
  }

  scores(request: ScoreRequest): Promise<Float32Array> {
    return this.#ask((remote) => remote.scores(request));
  }

  ledger(request: ExplainRequest): Promise<LedgerResult> {
    return this.#ask((remote) => remote.ledger(request));
  }

  layer(request: LayerRequest): Promise<LayerResult> {
    return this.#ask((remote) => remote.layer(request));
  }

  /** None: the browser has only shipped and dropped models. */
  async models(): Promise<readonly OfferedModel[]> {
    return [];
  }

  status(): Promise<EngineStatus> {
    return this.#ask((remote) => remote.status());
  }

  async dispose(): Promise<void> {
    // A terminated worker never answers, so pending calls must be rejected here.
    for (const fail of this.#failing) fail(new Error("the engine was stopped"));
    this.#remote?.[releaseProxy]();
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#remote = undefined;
  }

  /** @throws InputError if the worker cannot be loaded and so would never answer */
  #ask<T>(question: (remote: Remote<WorkerApi>) => Promise<T>): Promise<T> {
    const remote = this.#start();
    return new Promise((resolve, reject) => {
      this.#failing.add(reject);
      void question(remote)
        .then(resolve, reject)
        .finally(() => this.#failing.delete(reject));
    });
  }

  #start(): Remote<WorkerApi> {
    if (this.#remote) return this.#remote;
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "engine" });
    worker.addEventListener("error", ({ message }) => {
      for (const fail of this.#failing) fail(notStarted(message));
    });
    this.#worker = worker;
    this.#remote = wrap<WorkerApi>(worker);
    void this.#remote.start(
      proxy({
        ...storedTimings(() => localStorage),
        onStatus: (status: EngineStatus) => this.#onStatus(status),
      }),
    );
    return this.#remote;
  }

  async #file(source: ModelSource, onProgress: Progress): Promise<ModelFile> {
    const { name } = source;
    if (source.kind === "file") return { name, file: name, bytes: source.bytes, card: source.card };
    if (source.kind === "zoo") {
      throw new OptionError({
        what: `cannot load "${source.name}" in the browser`,
        why: "only the local engine can download models of the zoo",
        fix: "run `relprop studio`, or drop an .onnx file",
      });
    }
    const bytes = await fetchBytes(shippedUrl(`${source.name}.onnx`), (loaded, total) =>
      onProgress(0.4 * (total === undefined ? 0 : loaded / total), `model ${megabytes(loaded, total)}`),
    );
    const response = await fetch(shippedUrl(`${source.name}.card.json`));
    if (!response.ok) {
      throw new ModelFileError({ what: `cannot load "${source.name}"`, why: "its card is not there" });
    }
    return { name, file: `${name}.onnx`, bytes, card: parseModelCard(await response.json()) };
  }
}

/** Errors of a running worker come as answers; this one means that its code did not start. */
const notStarted = (why: string | undefined): InputError =>
  new InputError({
    what: "cannot run models in this browser",
    why: why === undefined || why === "" ? "the code that runs them could not be loaded" : why,
    fix: "reload the page",
  });
