/** The worker: owns ONNX Runtime, compiles and runs. {@link BrowserEngine} is its counterpart in the page. */

import { expose } from "comlink";
import { RelpropError } from "@relprop/core";
import type {
  AnswerNumbers,
  EngineStatus,
  ExplainRequest,
  ExplainResult,
  LayerRequest,
  LayerResult,
  LedgerResult,
  LoadedModel,
  Picture,
  ScoreRequest,
} from "@relprop/engine/engine";
import { EngineHost, type ModelFile, type ProviderChoice } from "./engine-host.ts";
import { loadedChannel } from "../loaded-channel.ts";
import { studioMessage } from "@relprop/engine/studio-message";
import type { TimingMemory } from "./provider-timings.ts";
import { loadRuntime } from "./runtime.ts";

/** Data from the page, sent once at the start. */
export interface Page extends TimingMemory {
  onStatus(status: EngineStatus): void;
}

let host: EngineHost;

const api = {
  async start(page: Page): Promise<void> {
    host = new EngineHost({
      loadRuntime,
      // Workers have no localStorage, so the page stores the timings.
      memory: page,
      onStatus: (status) => page.onStatus(status),
    });
  },

  async load(
    model: ModelFile,
    choice: ProviderChoice,
    onProgress: (fraction: number, what: string) => void,
  ): Promise<LoadedModel> {
    const loaded = await withStudioMessage(host.load(model, choice, onProgress));
    tellLoaded();
    return loaded;
  },

  async explain(request: ExplainRequest): Promise<ExplainResult> {
    return withStudioMessage(host.run((runner) => runner.explain(request)));
  },

  async explainBest(request: ExplainRequest): Promise<readonly ExplainResult[]> {
    return withStudioMessage(host.run((runner) => runner.explainBest(request)));
  },

  async answer(picture: Picture): Promise<AnswerNumbers> {
    return withStudioMessage(host.run((runner) => runner.answer(picture)));
  },

  async scores(request: ScoreRequest): Promise<Float32Array> {
    return withStudioMessage(host.run((runner) => runner.scores(request)));
  },

  async ledger(request: ExplainRequest): Promise<LedgerResult> {
    return withStudioMessage(host.run((runner) => runner.ledger(request)));
  },

  async layer(request: LayerRequest): Promise<LayerResult> {
    return withStudioMessage(host.run((runner) => runner.layer(request)));
  },

  async status(): Promise<EngineStatus> {
    return host.status();
  },
};

/** An error is sent to the page as its name and its message. */
async function withStudioMessage<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof RelpropError) error.message = studioMessage(error);
    throw error;
  });
}

/** The methods of the worker. */
export type WorkerApi = typeof api;

/** Tells the page which files the worker has loaded, for the offline cache. */
function tellLoaded(): void {
  const channel = new BroadcastChannel(loadedChannel);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no other origins
  channel.postMessage(performance.getEntriesByType("resource").map(({ name }) => name));
  channel.close();
}

expose(api);
