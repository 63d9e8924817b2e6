/**
 * ONNX Runtime in a thread of its own. Its `create` and `run` block their thread, which must not be the one that
 * reads, colours and writes pictures.
 */

import type { InferenceSession, Tensor } from "onnxruntime-node";
import { JobThread } from "./job-thread.ts";
import type { FileRuntime } from "./optimized-cache.ts";

/** A tensor as sent between threads. */
export interface Numbers {
  readonly type: Tensor.Type;
  readonly data: Tensor["data"];
  readonly dims: readonly number[];
}

export type NamedNumbers = Readonly<Record<string, Numbers>>;

/** A request to the thread. */
type ThreadRequest =
  | {
      readonly do: "create";
      readonly session: number;
      /** The model's bytes, or its file. */
      readonly model: Uint8Array | string;
      readonly options: InferenceSession.SessionOptions;
    }
  | {
      readonly do: "run";
      readonly session: number;
      readonly feeds: NamedNumbers;
      readonly fetches: readonly string[] | undefined;
    }
  | { readonly do: "release"; readonly session: number }
  /** Answered as soon as ONNX Runtime is loaded. */
  | { readonly do: "nothing" };

/** A request with its number, as the thread receives it. */
export type SessionJob = ThreadRequest & { readonly job: number };

/** The results of a run, nothing for other jobs, or the message of ONNX Runtime's error. */
export type SessionAnswer = { readonly id: number } & (
  | { readonly results: NamedNumbers }
  | { readonly error: string }
);

/** The worker beside the running code, in its built form if this code is built. */
const worker = new URL(
  import.meta.url.endsWith(".ts") ? "./session-worker.ts" : "./session-worker.js",
  import.meta.url,
);

/** Weights from this size on move to the thread instead of being copied. */
const minTransferBytes = 1 << 20;

/** Starts at once: ONNX Runtime loads while the model is read. */
export class SessionThread {
  readonly #thread: JobThread<ThreadRequest, SessionAnswer>;
  #nextSession = 1;

  /** @param file module of the worker, for tests */
  constructor(file: URL = worker) {
    // Set on the main thread, since ONNX Runtime reads the process's environment and workers only have a copy.
    process.env["ORT_DISABLE_TELEMETRY"] = "1";
    this.#thread = new JobThread({ file, name: "relprop session" });
    this.#thread.start();
  }

  /**
   * The runtime for an `Explainer`. Creating a session moves large weights to the thread, which avoids a second copy in
   * memory: their model cannot be used afterwards, not even for another session.
   */
  async runtime(): Promise<FileRuntime> {
    const { Tensor } = await import("onnxruntime-node");
    const create: FileRuntime["InferenceSession"]["create"] = async (model, options = {}) => {
      const session = this.#nextSession++;
      await this.#ask({ do: "create", session, model, options }, weightsOf(options));
      return {
        run: async (feeds, fetches?: readonly string[]) => {
          const given = await this.#ask({ do: "run", session, feeds: numbersOf(feeds), fetches });
          const results = Object.entries(given).map(
            ([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)] as const,
          );
          return Object.fromEntries(results);
        },
        release: async () => {
          await this.#ask({ do: "release", session });
        },
      };
    };
    return { InferenceSession: { create }, Tensor };
  }

  /**
   * Ends the thread and frees its sessions, after the running job. ONNX Runtime must be fully loaded first: a thread that
   * ends while it loads crashes the process.
   */
  async close(): Promise<void> {
    if (this.#thread.isRunning) await this.#ask({ do: "nothing" }).catch(() => undefined);
    await this.#thread.close();
  }

  /** @throws Error with ONNX Runtime's message */
  async #ask(given: ThreadRequest, transfer: readonly ArrayBuffer[] = []): Promise<NamedNumbers> {
    let answer: SessionAnswer | undefined;
    let ended = "";
    await this.#thread.do(
      given,
      (heard) => (answer = heard),
      (why) => (ended = why),
      transfer,
    );
    if (!answer) throw new Error(`ONNX Runtime's thread ended: ${ended}`);
    if ("error" in answer) throw new Error(answer.error);
    return answer.results;
  }
}

/** Threads with one session each. The first starts at once, the others on demand. */
export class SessionThreads {
  readonly first = new SessionThread();
  readonly #others: SessionThread[] = [];

  another(): SessionThread {
    const thread = new SessionThread();
    this.#others.push(thread);
    return thread;
  }

  /** Ends all threads and frees their sessions, after the running jobs. */
  async close(): Promise<void> {
    await Promise.all([this.first, ...this.#others].map((thread) => thread.close()));
  }
}

/** The buffers of large weights without duplicates, since several weights can be views of the same file. */
function weightsOf({ externalData = [] }: InferenceSession.SessionOptions): ArrayBuffer[] {
  const buffers = externalData.flatMap((each) =>
    typeof each === "object" && each.data instanceof Uint8Array ? [each.data.buffer] : [],
  );
  return [...new Set(buffers)].filter(
    (buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer && buffer.byteLength >= minTransferBytes,
  );
}

/** Tensors -> plain objects. */
const numbersOf = (tensors: Readonly<Record<string, Tensor>>): NamedNumbers =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, dims }]) => [name, { type, data, dims }]),
  );
