/**
 * The model of one page: which back end runs it, one run at a time, and what happens when WebGPU goes away. Lives in
 * the worker, but needs no browser itself.
 */

import { RelpropError, type Runtime } from "@relprop/core";
import type { ModelCard } from "@relprop/core/zoo";
import { inTurn } from "@relprop/engine/in-turn";
import type { EngineStatus, LoadedModel } from "@relprop/engine/engine";
import { ModelRunner } from "@relprop/engine/model-runner";
import {
  fasterOf,
  timingKey,
  timingText,
  type Provider,
  type TimingMemory,
  type Timings,
} from "./provider-timings.ts";
import { readSource, type ReadSource } from "@relprop/engine/read-source";
import { warmUp } from "@relprop/engine/warm-up";

/** Where the network runs: the faster one after a timing, or one that was asked for. */
export type ProviderChoice = "auto" | "wasm" | "webgpu";

/** ONNX Runtime, and what it can run on here. */
export interface HostRuntime {
  readonly ort: Runtime;
  readonly hasWebGpu: boolean;
  /** Tells one graphics adapter from another; empty if there is none. */
  readonly adapter: string;
  readonly threads: number;
  /** Resolves when the device of WebGPU is lost. Asked for after the first session was made there. */
  deviceLost(): Promise<unknown>;
}

/** What the host asks of whoever started it. */
export interface HostOptions {
  readonly loadRuntime: (wanted: ProviderChoice) => Promise<HostRuntime>;
  readonly memory: TimingMemory;
  /** Hears of every change that nobody asked for: WebGPU was lost, the model runs on WASM now. */
  readonly onStatus: (status: EngineStatus) => void;
}

/** A model's file, as the page hands it over. */
export interface ModelFile {
  /** What the app calls the model. */
  readonly name: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly card: ModelCard | undefined;
}

type Progress = (fraction: number, what: string) => void;

/** A model on a back end. */
interface Running {
  readonly runner: ModelRunner;
  readonly provider: Provider;
  readonly name: string;
  readonly source: ReadSource;
  readonly timings?: Timings | undefined;
  /** Why it is not on WebGPU, where it could be. */
  readonly obstacle?: string;
}

/** From this size on WASM takes seconds, so that timing it would only keep people waiting. */
const tooLargeToTime = 64e6;
const timedRuns = 3;
/** How long a session on a lost device is waited for; it may never end. */
const disposeMilliseconds = 1000;
const lostWords = "WebGPU was lost";

/** Loads a model, keeps it, lets it run. Sessions of all models take turns: WebGPU hangs if two run at a time. */
export class EngineHost {
  readonly #options: HostOptions;
  #runtime: Promise<HostRuntime> | undefined;
  #running: Running | undefined;
  #isWatched = false;
  #isLost = false;
  #endRun: (error: Error) => void = () => undefined;
  /** What runs on WebGPU, or ran there last. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** Loads, compiles, and if there is a choice times the back ends. @throws errors whose message is fit to be shown */
  load(model: ModelFile, choice: ProviderChoice, onProgress: Progress): Promise<LoadedModel> {
    return inTurn(this, () => this.#load(model, choice, onProgress));
  }

  /**
   * Runs something on the model. If WebGPU fails (its device is lost, mostly), it is done again on WASM, and the model
   * stays there.
   */
  run<T>(work: (runner: ModelRunner) => Promise<T>): Promise<T> {
    return inTurn(this, () => this.#run(work));
  }

  async status(): Promise<EngineStatus> {
    const threads = (await this.#runtime)?.threads ?? 1;
    const { provider = "wasm", timings, obstacle } = this.#running ?? {};
    const words = { webgpu: "WebGPU", wasm: `WASM, ${threads} thread${threads === 1 ? "" : "s"}` };
    const other = provider === "wasm" ? "webgpu" : "wasm";
    const time = timings ? `, ${timingText(timings[provider])}` : "";
    const note = obstacle ?? (timings && `${words[other]}: ${timingText(timings[other])}`);
    return { provider, words: `${words[provider]}${time}${note === undefined ? "" : ` (${note})`}` };
  }

  dispose(): Promise<void> {
    return inTurn(this, async () => {
      if (this.#running) await this.#free(this.#running);
      this.#running = undefined;
    });
  }

  async #load(model: ModelFile, choice: ProviderChoice, onProgress: Progress): Promise<LoadedModel> {
    onProgress(0.4, "reading the model");
    const source = await readSource(model.file, model.bytes, model.card);
    onProgress(0.5, "starting ONNX Runtime");
    await this.#started(choice);
    onProgress(0.7, "compiling the explanation");
    const before = this.#running;
    this.#running = await this.#choose(model, source, choice, onProgress);
    if (before) await this.#free(before);
    onProgress(1, "ready");
    return this.#running.runner.loaded;
  }

  /** WebGPU is not always faster, small networks above all: both are timed once and the faster one is kept. */
  async #choose(
    { name, file, bytes }: ModelFile,
    source: ReadSource,
    choice: ProviderChoice,
    onProgress: Progress,
  ): Promise<Running> {
    const { hasWebGpu, adapter, threads } = await this.#started(choice);
    if (choice === "wasm") return this.#start(name, source, "wasm");
    if (this.#isLost || !hasWebGpu) {
      const obstacle = this.#isLost ? lostWords : "no WebGPU here";
      const isMissed = this.#isLost || choice === "webgpu";
      return { ...(await this.#start(name, source, "wasm")), ...(isMissed && { obstacle }) };
    }
    const { memory } = this.#options;
    const key = timingKey(file, bytes.length, adapter, threads);
    const known = await memory.recall(key);
    if (known) return this.#startOn(choice === "webgpu" ? choice : fasterOf(known), name, source, known);
    if (choice === "webgpu" || bytes.length > tooLargeToTime) return this.#startOn("webgpu", name, source);
    onProgress(0.75, "timing WASM");
    const wasm = await this.#start(name, source, "wasm");
    const wasmTime = await time(wasm);
    onProgress(0.85, "timing WebGPU");
    const webgpu = await this.#start(name, source, "webgpu").catch(() => undefined);
    const webgpuTime = webgpu === undefined ? null : await time(webgpu).catch(() => null);
    const timings = { wasm: wasmTime, webgpu: webgpuTime };
    await memory.remember(key, timings);
    const [winner, loser] = webgpu && fasterOf(timings) === "webgpu" ? [webgpu, wasm] : [wasm, webgpu];
    if (loser) await this.#free(loser);
    return { ...winner, timings };
  }

  /** Starts on WebGPU, or on WASM where that fails for no fault of the model's. */
  async #startOn(provider: Provider, name: string, source: ReadSource, timings?: Timings): Promise<Running> {
    try {
      return { ...(await this.#start(name, source, provider)), timings };
    } catch (error) {
      if (provider === "wasm" || error instanceof RelpropError) throw error;
      return { ...(await this.#start(name, source, "wasm")), obstacle: obstacleOf(error) };
    }
  }

  /** Compiles, makes the session and runs once: the first run of WebGPU compiles its shaders. */
  async #start(name: string, source: ReadSource, provider: Provider): Promise<Running> {
    const { ort } = await this.#started(provider);
    const runner = new ModelRunner(name, source, {
      ort,
      sessionOptions: { executionProviders: [provider], logSeverityLevel: 3 },
    });
    await warmUp(runner);
    if (provider === "webgpu") await this.#watchDevice();
    return { runner, provider, name, source };
  }

  async #run<T>(work: (runner: ModelRunner) => Promise<T>): Promise<T> {
    if (!this.#running) throw new Error("no model is loaded");
    const { runner, provider } = this.#running;
    if (provider === "wasm") return work(runner);
    try {
      return await this.#untilLost(work(runner));
    } catch (error) {
      if (error instanceof RelpropError) throw error;
      return work(await this.#fallBack(error));
    }
  }

  /** Goes on with the same model on WASM, and says so. */
  async #fallBack(error: unknown): Promise<ModelRunner> {
    const before = this.#running;
    if (!before) throw error;
    const { name, source, provider } = before;
    const running = provider === "wasm" ? before : await this.#start(name, source, "wasm");
    // A run may fail a good while before it is told why.
    this.#running = { ...running, obstacle: this.#isLost ? lostWords : obstacleOf(error) };
    this.#options.onStatus(await this.status());
    if (running !== before) await this.#free(before);
    return running.runner;
  }

  /** A run on a lost device may neither end nor fail by itself. */
  #untilLost<T>(work: Promise<T>): Promise<T> {
    if (this.#isLost) return Promise.reject(new Error(lostWords));
    return new Promise((resolve, reject) => {
      this.#endRun = reject;
      this.#work = work;
      work.then(resolve, reject);
    });
  }

  /** A lost device ends what runs there; if nothing does, the model moves at once. */
  async #watchDevice(): Promise<void> {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { deviceLost } = await this.#started("webgpu");
    void deviceLost().then(() => {
      this.#isLost = true;
      const error = new Error(lostWords);
      this.#endRun(error);
      return inTurn(this, () => this.#afterLoss(error));
    });
  }

  async #afterLoss(error: Error): Promise<void> {
    const { provider, obstacle } = this.#running ?? {};
    // WASM that was asked for, or that won, has nothing to do with it. If it cannot be started, the next run says so.
    if (provider === "webgpu" || obstacle !== undefined) await this.#fallBack(error).catch(() => undefined);
  }

  /** Frees a session that may be on a device that is gone, once nothing runs there any more. */
  async #free({ runner }: Running): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, disposeMilliseconds));
    const freed = Promise.allSettled([this.#work]).then(() => runner.dispose());
    await Promise.race([freed.catch(() => undefined), limit]);
  }

  #started(choice: ProviderChoice): Promise<HostRuntime> {
    this.#runtime ??= this.#options.loadRuntime(choice);
    return this.#runtime;
  }
}

const obstacleOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  return message === lostWords ? message : `WebGPU failed: ${message.split("\n")[0]?.slice(0, 100)}`;
};

async function time({ runner }: Running): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < timedRuns; i++) best = Math.min(best, await warmUp(runner));
  return best;
}
