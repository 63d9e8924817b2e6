/**
 * ONNX Runtime in a thread of its own. Its `create` and `run` block the thread that calls them; here that is not the
 * one that reads, colours and writes pictures.
 */

import type { InferenceSession, Tensor } from "onnxruntime-node";
import { JobThread } from "./job-thread.ts";
import type { FileRuntime } from "./optimized-cache.ts";

/** A tensor as it travels between threads. */
export interface Numbers {
  readonly type: Tensor.Type;
  readonly data: Tensor["data"];
  readonly dims: readonly number[];
}

export type NamedNumbers = Readonly<Record<string, Numbers>>;

/** What the thread is asked of one session. */
type Given =
  | {
      readonly do: "create";
      readonly session: number;
      /** Its bytes, or the file that has them. */
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
  /** Answered once ONNX Runtime is loaded. */
  | { readonly do: "nothing" };

/** As it arrives there. */
export type SessionJob = Given & { readonly job: number };

/** What a run gave, nothing for other jobs, or ONNX Runtime's complaint. */
export type SessionAnswer = { readonly id: number } & (
  | { readonly results: NamedNumbers }
  | { readonly error: string }
);

/** Beside the code that runs: built once it is built. */
const worker = new URL(
  import.meta.url.endsWith(".ts") ? "./session-worker.ts" : "./session-worker.js",
  import.meta.url,
);

/** Weights of so many bytes move to the thread instead of being copied. */
const movedFrom = 1 << 20;

/** Starts at once, so that ONNX Runtime loads while the model is read. */
export class SessionThread {
  readonly #thread: JobThread<Given, SessionAnswer>;
  #nextSession = 1;

  /** @param file of the worker, for tests */
  constructor(file: URL = worker) {
    // Read by ONNX Runtime itself, so it must be set on the main thread: others have a copy of the environment.
    process.env["ORT_DISABLE_TELEMETRY"] = "1";
    this.#thread = new JobThread({ file, name: "relprop session" });
    this.#thread.start();
  }

  /**
   * The runtime for an `Explainer`. Creating a session moves the large weights to the thread, so that there are never
   * two of them: the model that they belong to can't be used any more, nor can a second session be made of it.
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
   * Ends the thread and frees its sessions, after what is running. ONNX Runtime is loaded to the end first: a thread that
   * ends meanwhile takes the process with it.
   */
  async close(): Promise<void> {
    if (this.#thread.isRunning) await this.#ask({ do: "nothing" }).catch(() => undefined);
    await this.#thread.close();
  }

  /** @throws Error with ONNX Runtime's message */
  async #ask(given: Given, transfer: readonly ArrayBuffer[] = []): Promise<NamedNumbers> {
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

/** Threads with a session each. The first starts at once, the others when they are asked for. */
export class SessionThreads {
  readonly first = new SessionThread();
  readonly #others: SessionThread[] = [];

  another(): SessionThread {
    const thread = new SessionThread();
    this.#others.push(thread);
    return thread;
  }

  /** Ends them and frees their sessions, after what is running. */
  async close(): Promise<void> {
    await Promise.all([this.first, ...this.#others].map((thread) => thread.close()));
  }
}

/** The memory of large weights, each once: several of them can be views of the same file's bytes. */
function weightsOf({ externalData = [] }: InferenceSession.SessionOptions): ArrayBuffer[] {
  const buffers = externalData.flatMap((each) =>
    typeof each === "object" && each.data instanceof Uint8Array ? [each.data.buffer] : [],
  );
  return [...new Set(buffers)].filter(
    (buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer && buffer.byteLength >= movedFrom,
  );
}

/** Tensors as plain objects. */
const numbersOf = (tensors: Readonly<Record<string, Tensor>>): NamedNumbers =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, dims }]) => [name, { type, data, dims }]),
  );
