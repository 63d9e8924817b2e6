/**
 * The thread that runs the models. ONNX Runtime blocks its thread while it loads and runs; here that is not the one
 * that serves pages and connections.
 */

import { Worker } from "node:worker_threads";
import type { EngineRequest, EngineResponse } from "../../../studio/src/engine/protocol.ts";
import type { Device } from "../start-explainer.ts";
import type { KnownModels } from "./load-source.ts";

/** What the thread is started with. */
export interface ThreadSettings {
  readonly device: Device;
  readonly known: KnownModels;
}

/** What the thread is asked; it answers with {@link EngineResponse}s whose `id` is the job. */
export type Job =
  | {
      readonly job: number;
      readonly client: number;
      readonly do: "answer";
      readonly request: EngineRequest;
    }
  /** The client is gone; its model is freed. */
  | { readonly job: number; readonly client: number; readonly do: "leave" };

interface Waiting {
  readonly hear: (response: EngineResponse) => void;
  readonly done: () => void;
}

/** Beside the code that runs once both are built. */
const builtWorker = new URL("./engine-worker.js", import.meta.url);

/** Starts with the first job, and again with the next one after it crashed. The caller gives one job at a time. */
export class EngineThread {
  readonly #settings: ThreadSettings;
  readonly #file: URL;
  readonly #onCrash: (why: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextJob = 1;

  /**
   * @param onCrash hears why it ended by itself: no model of any client is loaded any more
   * @param file of the worker, if it isn't the built one
   */
  constructor(settings: ThreadSettings, onCrash: (why: string) => void, file: URL = builtWorker) {
    this.#settings = settings;
    this.#onCrash = onCrash;
    this.#file = file;
    // Read by ONNX Runtime itself, so it must be set on the main thread: others have a copy of the environment.
    process.env["ORT_DISABLE_TELEMETRY"] = "1";
  }

  /** Resolves when the request is answered, well or not. @param hear gets progress, then the answer or an error. */
  async answer(
    client: number,
    request: EngineRequest,
    hear: (response: EngineResponse) => void,
  ): Promise<void> {
    const { id } = request;
    await this.#do({ client, do: "answer", request }, (response) => hear({ ...response, id }));
  }

  /** Frees a client's model. */
  async leave(client: number): Promise<void> {
    if (this.#worker) await this.#do({ client, do: "leave" }, () => undefined);
  }

  /** Ends the thread. What runs ends first: a run can't be stopped. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #do(
    job: Omit<Job & { do: "answer" }, "job"> | Omit<Job & { do: "leave" }, "job">,
    hear: Waiting["hear"],
  ): Promise<void> {
    const number = this.#nextJob++;
    this.#worker ??= this.#start();
    const worker = this.#worker;
    await new Promise<void>((done) => {
      this.#waiting.set(number, { hear, done });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage({ ...job, job: number });
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#file, { workerData: this.#settings, name: "relprop engine" });
    let why = "it ended";
    worker.on("message", (response: EngineResponse) => {
      const waiting = this.#waiting.get(response.id);
      waiting?.hear(response);
      if (response.say === "progress") return;
      this.#waiting.delete(response.id);
      waiting?.done();
    });
    worker.on("error", (error) => (why = error.message));
    worker.on("exit", () => this.#ended(worker, why));
    return worker;
  }

  #ended(worker: Worker, why: string): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const isCrash = this.#worker === worker;
    if (isCrash) this.#worker = undefined;
    for (const [id, { hear, done }] of waiting) {
      hear({ id, say: "error", name: "Error", message: `the local engine crashed: ${why}` });
      done();
    }
    if (isCrash) this.#onCrash(why);
  }
}
