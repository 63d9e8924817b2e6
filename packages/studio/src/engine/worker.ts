/** The worker: owns ONNX Runtime, compiles and runs. One for the page; {@link BrowserEngine} speaks to it. */

import { expose } from "comlink";
import type { ModelCard } from "relprop/zoo";
import type { EngineStatus, ExplainRequest, ExplainResult, LoadedModel, Picture } from "./engine.ts";
import { ModelRunner } from "./model-runner.ts";
import { loadedChannel } from "../loaded-channel.ts";
import { readSource, type ReadSource } from "./read-source.ts";
import { loadRuntime, type WebRuntime } from "./runtime.ts";

/** Where the network runs: the faster one after a timing, or one that was asked for. */
export type ProviderChoice = "auto" | "wasm" | "webgpu";

type Provider = "wasm" | "webgpu";
type Progress = (fraction: number, what: string) => void;

/** From this size on WASM takes seconds, so that timing it would only keep people waiting. */
const tooLargeToTime = 64e6;
const timedRuns = 3;

let runtime: Promise<WebRuntime> | undefined;
let current:
  | { readonly runner: ModelRunner; readonly provider: Provider; readonly source: ReadSource }
  | undefined;
let lost = "";

const api = {
  async load(
    name: string,
    file: string,
    bytes: Uint8Array,
    card: ModelCard | undefined,
    choice: ProviderChoice,
    onProgress: Progress,
  ): Promise<LoadedModel> {
    onProgress(0.4, "reading the model");
    const source = await readSource(file, bytes, card);
    onProgress(0.5, "starting ONNX Runtime");
    runtime ??= loadRuntime(choice);
    const { hasWebGpu } = await runtime;
    onProgress(0.7, "compiling the explanation");
    const provider = await choose(name, source, choice, hasWebGpu, bytes.length);
    const runner = await start(name, source, provider);
    await current?.runner.dispose();
    current = { runner, provider, source };
    lost = choice === "webgpu" && !hasWebGpu ? "no WebGPU here" : "";
    onProgress(1, "ready");
    tellLoaded();
    return runner.loaded;
  },

  async explain(request: ExplainRequest): Promise<ExplainResult> {
    return withFallback((runner) => runner.explain(request));
  },

  async classify(pictures: readonly Picture[]): Promise<readonly Float32Array[]> {
    return withFallback((runner) => runner.classify(pictures));
  },

  async status(): Promise<EngineStatus> {
    const threads = (await runtime)?.threads ?? 1;
    if (current?.provider === "webgpu") return { provider: "webgpu", words: "WebGPU" };
    const wasm = threads === 1 ? "WASM, 1 thread" : `WASM, ${threads} threads`;
    return { provider: "wasm", words: lost === "" ? wasm : `${wasm} (${lost})` };
  },

  async dispose(): Promise<void> {
    await current?.runner.dispose();
    current = undefined;
  },
};

/** What the worker answers to. */
export type WorkerApi = typeof api;

/** Tells the page which files were loaded here, so that its service worker keeps them for offline use. */
function tellLoaded(): void {
  const channel = new BroadcastChannel(loadedChannel);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no other origins
  channel.postMessage(performance.getEntriesByType("resource").map(({ name }) => name));
  channel.close();
}

/** Compiles, makes the session and runs once: the first run of WebGPU compiles its shaders. */
async function start(name: string, source: ReadSource, provider: Provider): Promise<ModelRunner> {
  const { ort } = await (runtime ?? loadRuntime(provider));
  const runner = new ModelRunner(name, source, {
    ort,
    sessionOptions: { executionProviders: [provider], logSeverityLevel: 3 },
  });
  await runner.explain(warmUp(runner.loaded));
  return runner;
}

function warmUp({ size: [height, width], composite }: LoadedModel): ExplainRequest {
  const picture = { data: new Uint8ClampedArray(4 * height * width).fill(128), width, height };
  return { picture, composite, target: { kind: "prediction" }, keep: 0 };
}

/** WebGPU is not always faster, small networks above all: both are timed and the faster one is kept. */
async function choose(
  name: string,
  source: ReadSource,
  choice: ProviderChoice,
  hasWebGpu: boolean,
  size: number,
): Promise<Provider> {
  if (!hasWebGpu || choice === "wasm") return "wasm";
  if (choice === "webgpu" || size > tooLargeToTime) return "webgpu";
  const wasm = await time(name, source, "wasm");
  const webgpu = await time(name, source, "webgpu").catch(() => Infinity);
  return webgpu < wasm ? "webgpu" : "wasm";
}

async function time(name: string, source: ReadSource, provider: Provider): Promise<number> {
  const runner = await start(name, source, provider);
  let best = Infinity;
  for (let i = 0; i < timedRuns; i++) {
    best = Math.min(best, (await runner.explain(warmUp(runner.loaded))).milliseconds);
  }
  await runner.dispose();
  return best;
}

/** Does the work; if WebGPU fails (its device is lost, mostly), does it again on WASM and stays there. */
async function withFallback<T>(work: (runner: ModelRunner) => Promise<T>): Promise<T> {
  if (!current) throw new Error("no model is loaded");
  const { runner, provider, source } = current;
  try {
    return await work(runner);
  } catch (error) {
    if (provider === "wasm" || isOurs(error)) throw error;
    const again = await start(runner.loaded.name, source, "wasm");
    current = { runner: again, provider: "wasm", source };
    lost = "WebGPU was lost";
    return work(again);
  }
}

const isOurs = (error: unknown): boolean =>
  error instanceof Error && /^(Input|Option|Unexplainable|ModelFile)Error$/.test(error.name);

expose(api);
