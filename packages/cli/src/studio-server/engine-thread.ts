/**
 * The thread that runs the models. ONNX Runtime blocks its thread while it loads and runs; here that is not the one
 * that serves pages and connections.
 */

import type { EngineRequest, EngineResponse } from "@relprop/engine/protocol";
import { JobThread } from "../sessions/job-thread.ts";
import type { Device } from "../sessions/start-explainer.ts";
import type { KnownModels } from "./load-source.ts";

/** What the thread is started with. */
export interface ThreadSettings {
  readonly device: Device;
  readonly known: KnownModels;
}

/** What the thread is asked. */
type Given =
  | { readonly client: number; readonly do: "answer"; readonly request: EngineRequest }
  /** The client is gone; its model is freed. */
  | { readonly client: number; readonly do: "leave" };

/** As it arrives there; it is answered with {@link EngineResponse}s whose `id` is the job. */
export type Job = Given & { readonly job: number };

const nobody = (): void => undefined;

/** Beside the code that runs once both are built. */
const builtWorker = new URL("./engine-worker.js", import.meta.url);

/** Starts with the first job, and again with the next one after it crashed. The caller gives one job at a time. */
export class EngineThread {
  readonly #thread: JobThread<Given, EngineResponse>;

  /**
   * @param onCrash hears why it ended by itself: no model of any client is loaded any more
   * @param file of the worker, if it isn't the built one
   */
  constructor(settings: ThreadSettings, onCrash: (why: string) => void, file: URL = builtWorker) {
    // Read by ONNX Runtime itself, so it must be set on the main thread: others have a copy of the environment.
    process.env["ORT_DISABLE_TELEMETRY"] = "1";
    this.#thread = new JobThread({
      file,
      name: "relprop engine",
      data: settings,
      isLast: (response) => response.say !== "progress",
      onCrash,
    });
  }

  /** Resolves when the request is answered, well or not. @param hear gets progress, then the answer or an error. */
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
    if (this.#thread.isRunning) await this.#thread.do({ client, do: "leave" }, nobody, nobody);
  }

  /** Ends the thread. What runs ends first: a run can't be stopped. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
