/** A worker thread that is given jobs, and answers each by its number. */

import { Worker, type Transferable } from "node:worker_threads";

/** An answer, or a part of one, to the job of that number. */
export interface Numbered {
  readonly id: number;
}

/** What a thread is started with. */
export interface JobThreadOptions<Answer extends Numbered> {
  /** The module that it runs. */
  readonly file: URL;
  /** Shown by debuggers. */
  readonly name: string;
  /** Its `workerData`. */
  readonly data?: unknown;
  /** Whether a job's answer is whole with this; else there is more to come. @default always */
  readonly isLast?: (answer: Answer) => boolean;
  /** Hears why the thread ended by itself, after all jobs that waited for it. */
  readonly onCrash?: (why: string) => void;
}

interface Waiting<Answer> {
  readonly hear: (answer: Answer) => void;
  readonly crashed: (why: string) => void;
  readonly done: () => void;
}

/**
 * Starts with the first job, and again with the next one after it crashed. The thread gets each job with its number as
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

  /** Starts the thread now rather than with the first job. */
  start(): void {
    this.#worker ??= this.#newWorker();
  }

  /**
   * Resolves once the job is answered, or the thread crashed.
   * @param transfer what of the job moves to the thread and can't be used here any more
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
      // A job that can't be sent is an error here, and nobody waits for it.
      worker.postMessage({ ...job, job: number }, transfer);
      this.#waiting.set(number, { hear, crashed, done });
    });
  }

  /** Ends the thread. What runs ends first: a run can't be stopped. */
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
