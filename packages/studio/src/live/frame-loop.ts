/**
 * One inference in flight, the newest frame wins, no queue. Whoever has something new offers it; while a run is under
 * way only the latest offer is kept, and it is read (a camera frame grabbed, patches laid on) when its turn comes, so
 * that the answer is never to an old question.
 */

/** Time, so that tests can make their own. */
export interface Clock {
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Calls back after so many milliseconds; gives a function that calls it off. */
  after(milliseconds: number, then: () => void): () => void;
}

/** The page's clock. */
export const pageClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, then) => {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
};

export interface FrameLoopOptions<Frame, Result> {
  /** The work, one at a time. */
  run(frame: Frame): Promise<Result>;
  /** The answer with the frame it belongs to, and the time in milliseconds from grabbing the frame to having it. */
  onResult(result: Result, frame: Frame, latency: number): void;
  /** A frame could not be grabbed or its run failed. The loop goes on with the next offer. */
  onError(error: unknown): void;
  /** Least time between the starts of two runs, in milliseconds; asked for at each start. 0 is as fast as it goes. */
  interval(): number;
  readonly clock?: Clock;
}

/** Runs the newest offer. Nothing happens after {@link FrameLoop.stop}. */
export class FrameLoop<Frame, Result> {
  readonly #options: FrameLoopOptions<Frame, Result>;
  readonly #clock: Clock;
  #newest: (() => Frame) | undefined;
  #running = false;
  #paused = false;
  #stopped = false;
  #lastStart = -Infinity;
  #callOff: (() => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: FrameLoopOptions<Frame, Result>) {
    this.#options = options;
    this.#clock = options.clock ?? pageClock;
  }

  /** Offers something to run; it takes the place of an offer that has not started. `grab` is called at its start. */
  offer(grab: () => Frame): void {
    if (this.#stopped) return;
    this.#newest = grab;
    this.#start();
  }

  /** Starts nothing until {@link FrameLoop.resume}; a run under way still answers. The newest offer is kept. */
  pause(): void {
    this.#paused = true;
    this.#wake();
  }

  resume(): void {
    this.#paused = false;
    this.#start();
  }

  /** Ends for good: the answer of a run under way is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#newest = undefined;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#wake();
  }

  get busy(): boolean {
    return this.#running;
  }

  /** Resolves when nothing runs and nothing waits (or all that waits is paused). */
  idle(): Promise<void> {
    if (this.#rests()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #rests(): boolean {
    return !this.#running && (this.#newest === undefined || this.#paused || this.#stopped);
  }

  #wake(): void {
    if (!this.#rests()) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #start(): void {
    if (this.#running || this.#paused || this.#stopped || this.#newest === undefined) return;
    const wait = this.#lastStart + this.#options.interval() - this.#clock.now();
    this.#callOff?.();
    this.#callOff = undefined;
    if (wait > 0) {
      this.#callOff = this.#clock.after(wait, () => this.#start());
      return;
    }
    const grab = this.#newest;
    this.#newest = undefined;
    this.#running = true;
    void this.#run(grab);
  }

  async #run(grab: () => Frame): Promise<void> {
    const started = this.#clock.now();
    this.#lastStart = started;
    try {
      const frame = grab();
      const result = await this.#options.run(frame);
      if (!this.#stopped) this.#options.onResult(result, frame, this.#clock.now() - started);
    } catch (error) {
      if (!this.#stopped) this.#options.onError(error);
    } finally {
      this.#running = false;
      this.#start();
      this.#wake();
    }
  }
}
