/** The engine in this browser: ONNX Runtime Web in a worker. */

import { proxy, releaseProxy, wrap, type Remote } from "comlink";
import { ModelFileError, OptionError } from "relprop";
import { parseModelCard, type ModelCard } from "relprop/zoo";
import type {
  Engine,
  EngineStatus,
  ExplainRequest,
  ExplainResult,
  LoadedModel,
  ModelSource,
  Picture,
} from "./engine.ts";
import { fetchBytes, megabytes } from "./fetch-bytes.ts";
import type { ProviderChoice, WorkerApi } from "./worker.ts";

type Progress = (fraction: number, what: string) => void;

/** Where the files of shipped models lie; `name.onnx` and `name.card.json`. */
const shippedUrl = (file: string): string => new URL(`models/${file}`, document.baseURI).href;

/** Runs models in one worker; nothing leaves the device. Its worker starts with the first model. */
export class BrowserEngine implements Engine {
  readonly #choice: ProviderChoice;
  #worker: Worker | undefined;
  #remote: Remote<WorkerApi> | undefined;

  constructor(choice: ProviderChoice = "auto") {
    this.#choice = choice;
  }

  async load(source: ModelSource, onProgress: Progress = () => undefined): Promise<LoadedModel> {
    const remote = this.#start();
    const { file, bytes, card } = await this.#file(source, onProgress);
    return remote.load(source.name, file, bytes, card, this.#choice, proxy(onProgress));
  }

  explain(request: ExplainRequest): Promise<ExplainResult> {
    return this.#start().explain(request);
  }

  async classify(pictures: readonly Picture[]): Promise<readonly Float32Array[]> {
    return this.#start().classify(pictures);
  }

  status(): Promise<EngineStatus> {
    return this.#start().status();
  }

  async dispose(): Promise<void> {
    this.#remote?.[releaseProxy]();
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#remote = undefined;
  }

  #start(): Remote<WorkerApi> {
    this.#worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "engine" });
    this.#remote ??= wrap<WorkerApi>(this.#worker);
    return this.#remote;
  }

  async #file(
    source: ModelSource,
    onProgress: Progress,
  ): Promise<{ file: string; bytes: Uint8Array; card: ModelCard | undefined }> {
    if (source.kind === "file") return { file: source.name, bytes: source.bytes, card: source.card };
    if (source.kind === "zoo") {
      throw new OptionError({
        what: `cannot load "${source.name}" in the browser`,
        why: "models of the zoo are downloaded by the local engine",
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
    return { file: `${source.name}.onnx`, bytes, card: parseModelCard(await response.json()) };
  }
}
