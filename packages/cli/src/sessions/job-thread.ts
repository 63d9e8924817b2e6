/** A worker thread that answers numbered jobs. */

import { Worker, type Transferable } from "node:worker_threads";

/** An answer, or a part of one, to the job of this number. */
export interface Numbered {
  readonly id: number;
}

/** Options of a thread. */
export interface JobThreadOptions<Answer extends Numbered> {
  /** The module that it runs. */
  readonly file: URL;
  /** Shown by debuggers. */
  readonly name: string;
  /** Its `workerData`. */
  readonly data?: unknown;
  /** Whether a message completes a job's answer; otherwise more messages follow. @default always */
  readonly isLast?: (answer: Answer) => boolean;
  /** Called with the reason when the thread ends unexpectedly, after all waiting jobs have failed. */
  readonly onCrash?: (why: string) => void;
}

interface Waiting<Answer> {
  readonly hear: (answer: Answer) => void;
  readonly crashed: (why: string) => void;
  readonly done: () => void;
}

/**
 * Starts with the first job, and again with the first job after a crash. The thread receives each job with its number as
 * `job`, and answers with that number as `id`.
 */
export class JobThread<Job extends object, Answer extends Numbered> {
  readonly #options: JobThreadOptions<Answer>;
  readonly #waiting = new Map<number, Waiting<Answer>>();
  #worker: Worker | undefined;
  #nextJob = 1;

  constructor(options: JobThreadOptions<Answer>) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Starts the thread before the first job. */
  start(): void {
    this.#worker ??= this.#newWorker();
  }

  /**
   * Resolves when the job is answered, or the thread has crashed.
   * @param transfer buffers of the job that move to the thread; they cannot be used here afterwards
   */
  async do(
    job: Job,
    hear: Waiting<Answer>["hear"],
    crashed: Waiting<Answer>["crashed"],
    transfer: readonly Transferable[] = [],
  ): Promise<void> {
    const number = this.#nextJob++;
    this.#worker ??= this.#newWorker();
    const worker = this.#worker;
    await new Promise<void>((done) => {
      // A job that cannot be sent is an error of the caller, and is no longer waited for.
      worker.postMessage({ ...job, job: number }, transfer);
      this.#waiting.set(number, { hear, crashed, done });
    });
  }

  /** Ends the thread after the running job, since a run cannot be stopped. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #newWorker(): Worker {
    const { file, name, data, isLast = () => true } = this.#options;
    const worker = new Worker(file, { workerData: data, name });
    let why = "it ended";
    worker.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      waiting?.hear(answer);
      if (!isLast(answer)) return;
      this.#waiting.delete(answer.id);
      waiting?.done();
    });
    worker.on("error", (error) => (why = error instanceof Error ? error.message : String(error)));
    worker.on("exit", () => this.#ended(worker, why));
    return worker;
  }

  #ended(worker: Worker, why: string): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const isCrash = this.#worker === worker;
    if (isCrash) this.#worker = undefined;
    for (const { crashed, done } of waiting) {
      crashed(why);
      done();
    }
    if (isCrash) this.#options.onCrash?.(why);
  }
}
