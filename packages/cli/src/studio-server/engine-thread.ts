/**
 * The thread that runs the models. ONNX Runtime blocks its thread while it loads and runs, which must not be the one
 * that serves pages and connections.
 */

import type { EngineRequest, EngineResponse } from "@relprop/engine/protocol";
import { JobThread } from "../sessions/job-thread.ts";
import type { Device } from "../sessions/start-explainer.ts";
import type { KnownModels } from "./load-source.ts";

/** The data that the thread starts with. */
export interface ThreadSettings {
  readonly device: Device;
  readonly known: KnownModels;
}

/** A request to the thread. */
type ThreadRequest =
  | { readonly client: number; readonly do: "answer"; readonly request: EngineRequest }
  /** The client has disconnected; its model is freed. */
  | { readonly client: number; readonly do: "leave" };

/** A request with its number, as the thread receives it; the answers are {@link EngineResponse}s with that `id`. */
export type Job = ThreadRequest & { readonly job: number };

const ignore = (): void => undefined;

/** The worker beside the built code. */
const builtWorker = new URL("./engine-worker.js", import.meta.url);

/** Starts with the first job, and again with the first job after a crash. The caller sends one job at a time. */
export class EngineThread {
  readonly #thread: JobThread<ThreadRequest, EngineResponse>;

  /**
   * @param onCrash called with the reason; the models of all clients are then lost
   * @param file module of the worker, @default the built one
   */
  constructor(settings: ThreadSettings, onCrash: (why: string) => void, file: URL = builtWorker) {
    // Set on the main thread, since ONNX Runtime reads the process's environment and workers only have a copy.
    process.env["ORT_DISABLE_TELEMETRY"] = "1";
    this.#thread = new JobThread({
      file,
      name: "relprop engine",
      data: settings,
      isLast: (response) => response.say !== "progress",
      onCrash,
    });
  }

  /** Resolves when the request has succeeded or failed. @param hear receives progress, then the answer or an error. */
  async answer(
    client: number,
    request: EngineRequest,
    hear: (response: EngineResponse) => void,
  ): Promise<void> {
    const { id } = request;
    await this.#thread.do(
      { client, do: "answer", request },
      (response) => hear({ ...response, id }),
      (why) => hear({ id, say: "error", name: "Error", message: `the local engine crashed: ${why}` }),
    );
  }

  /** Frees a client's model. */
  async leave(client: number): Promise<void> {
    if (this.#thread.isRunning) await this.#thread.do({ client, do: "leave" }, ignore, ignore);
  }

  /** Ends the thread after the running job, since a run cannot be stopped. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
