/**
 * The model of one page: chooses the back end, runs one job at a time, and falls back to WASM when WebGPU fails. Runs in
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

/** The back end: the faster one by timing, or a chosen one. */
export type ProviderChoice = "auto" | "wasm" | "webgpu";

/** ONNX Runtime, and the back ends that it supports here. */
export interface HostRuntime {
  readonly ort: Runtime;
  readonly hasWebGpu: boolean;
  /** Identifies the graphics adapter; empty if there is none. */
  readonly adapter: string;
  readonly threads: number;
  /** Resolves when the WebGPU device is lost. Called after the first session on it was created. */
  deviceLost(): Promise<unknown>;
}

/** Options of the host. */
export interface HostOptions {
  readonly loadRuntime: (wanted: ProviderChoice) => Promise<HostRuntime>;
  readonly memory: TimingMemory;
  /** Called for every unrequested change: WebGPU was lost and the model runs on WASM. */
  readonly onStatus: (status: EngineStatus) => void;
}

/** A model's file, as sent by the page. */
export interface ModelFile {
  /** The app's name for the model. */
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
  /** Why it does not run on WebGPU, if it could. */
  readonly obstacle?: string;
}

/** For models of this size, WASM takes seconds, which is too long for a timing. */
const tooLargeToTime = 64e6;
const timedRuns = 3;
/** The maximum wait for a session on a lost device, which may never end. */
const disposeMilliseconds = 1000;
const lostMessage = "WebGPU was lost";

/** Loads, keeps and runs a model. Sessions of all models run in turn: WebGPU hangs if two run at a time. */
export class EngineHost {
  readonly #options: HostOptions;
  #runtime: Promise<HostRuntime> | undefined;
  #running: Running | undefined;
  #isWatched = false;
  #isLost = false;
  #endRun: (error: Error) => void = () => undefined;
  /** The job that runs on WebGPU, or ran there last. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** Loads and compiles, and times the back ends if there is a choice. @throws errors with messages that are fit for the page */
  load(model: ModelFile, choice: ProviderChoice, onProgress: Progress): Promise<LoadedModel> {
    return inTurn(this, () => this.#load(model, choice, onProgress));
  }

  /**
   * Runs a job on the model. If WebGPU fails (usually because its device is lost), the job is repeated on WASM, and the
   * model stays there.
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

  /** WebGPU is not always faster, especially for small networks: both are timed once, and the faster one is kept. */
  async #choose(
    { name, file, bytes }: ModelFile,
    source: ReadSource,
    choice: ProviderChoice,
    onProgress: Progress,
  ): Promise<Running> {
    const { hasWebGpu, adapter, threads } = await this.#started(choice);
    if (choice === "wasm") return this.#start(name, source, "wasm");
    if (this.#isLost || !hasWebGpu) {
      const obstacle = this.#isLost ? lostMessage : "no WebGPU here";
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

  /** Starts on WebGPU, or on WASM if WebGPU fails for other reasons than the model. */
  async #startOn(provider: Provider, name: string, source: ReadSource, timings?: Timings): Promise<Running> {
    try {
      return { ...(await this.#start(name, source, provider)), timings };
    } catch (error) {
      if (provider === "wasm" || error instanceof RelpropError) throw error;
      return { ...(await this.#start(name, source, "wasm")), obstacle: obstacleOf(error) };
    }
  }

  /** Compiles, creates the session and runs once: the first run on WebGPU compiles its shaders. */
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

  /** Moves the model to WASM and reports it. */
  async #fallBack(error: unknown): Promise<ModelRunner> {
    const before = this.#running;
    if (!before) throw error;
    const { name, source, provider } = before;
    const running = provider === "wasm" ? before : await this.#start(name, source, "wasm");
    // A run may fail long before the device is reported as lost.
    this.#running = { ...running, obstacle: this.#isLost ? lostMessage : obstacleOf(error) };
    this.#options.onStatus(await this.status());
    if (running !== before) await this.#free(before);
    return running.runner;
  }

  /** Waits for the loss as well, since a run on a lost device may neither end nor fail. */
  #untilLost<T>(work: Promise<T>): Promise<T> {
    if (this.#isLost) return Promise.reject(new Error(lostMessage));
    return new Promise((resolve, reject) => {
      this.#endRun = reject;
      this.#work = work;
      work.then(resolve, reject);
    });
  }

  /** Losing the device ends its running job; without one, the model moves at once. */
  async #watchDevice(): Promise<void> {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { deviceLost } = await this.#started("webgpu");
    void deviceLost().then(() => {
      this.#isLost = true;
      const error = new Error(lostMessage);
      this.#endRun(error);
      return inTurn(this, () => this.#afterLoss(error));
    });
  }

  async #afterLoss(error: Error): Promise<void> {
    const { provider, obstacle } = this.#running ?? {};
    // WASM that was chosen or was faster is not affected. If it cannot be started, the next run reports that.
    if (provider === "webgpu" || obstacle !== undefined) await this.#fallBack(error).catch(() => undefined);
  }

  /** Frees a session whose device may be lost, after its last run has ended. */
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
  return message === lostMessage ? message : `WebGPU failed: ${message.split("\n")[0]?.slice(0, 100)}`;
};

async function time({ runner }: Running): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < timedRuns; i++) best = Math.min(best, await warmUp(runner));
  return best;
}
