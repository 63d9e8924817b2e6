/**
 * One inference at a time; the newest offer wins, without a queue. Sources of new pictures, strokes, camera frames
 * or settings make offers; during a run only the latest offer is kept, and it is read when its turn
 * comes, so that no outdated question is answered. Every mode asks the engine through this.
 */

/** A clock, replaceable in tests. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Calls back after a delay in milliseconds; returns a function that cancels it. */
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

export interface NewestWinsOptions<Offer, Result> {
  /** The work, started once at a time. */
  run(offer: Offer): Promise<Result>;
  /** Receives the answer with its offer, and the milliseconds between the two. */
  onResult(result: Result, offer: Offer, latency: number): void;
  /** An offer could not be read (then there is none) or its run failed. Later offers run as usual. */
  onError(error: unknown, offer: Offer | undefined): void;
  /**
   * Minimum time between two answers, in milliseconds: runs start so that they end when an answer is due, and early answers
   * are held back. Read at each start. 0, the default, is as fast as possible.
   */
  interval?(): number;
  readonly clock?: Clock;
}

/** Runs the newest offer. Nothing happens after {@link NewestWins.stop}. */
export class NewestWins<Offer, Result> {
  readonly #options: NewestWinsOptions<Offer, Result>;
  readonly #clock: Clock;
  #newest: (() => Offer) | undefined;
  #running = false;
  #paused = false;
  #stopped = false;
  #lastAnswer = -Infinity;
  /** Duration of the last run. */
  #lastDuration = 0;
  /** Ends the wait for a start, or for the release of an answer. */
  #cancelTimer: (() => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: NewestWinsOptions<Offer, Result>) {
    this.#options = options;
    this.#clock = options.clock ?? pageClock;
  }

  /** Offers something to run; it replaces an offer that has not started. `grab` is called at its start. */
  offer(grab: () => Offer): void {
    if (this.#stopped) return;
    this.#newest = grab;
    this.#start();
  }

  /** Starts nothing until {@link NewestWins.resume}; a running job still answers. The newest offer is kept. */
  pause(): void {
    this.#paused = true;
    this.#wake();
  }

  resume(): void {
    this.#paused = false;
    this.#start();
  }

  /** Ends permanently: the answer of a running job is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#newest = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#wake();
  }

  get busy(): boolean {
    return this.#running;
  }

  /** Resolves when nothing is running or waiting (except while paused). */
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
    const interval = this.#options.interval?.() ?? 0;
    const wait = this.#lastAnswer + interval - this.#lastDuration - this.#clock.now();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (wait > 0) {
      this.#cancelTimer = this.#clock.after(wait, () => this.#start());
      return;
    }
    const grab = this.#newest;
    this.#newest = undefined;
    this.#running = true;
    void this.#run(grab, interval);
  }

  /** Resolves at a given time, or at the end. */
  #until(time: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#clock.after(time - this.#clock.now(), resolve);
      this.#cancelTimer = () => {
        callOff();
        resolve();
      };
    });
  }

  async #run(grab: () => Offer, interval: number): Promise<void> {
    const started = this.#clock.now();
    let offer: Offer | undefined;
    try {
      offer = grab();
      const result = await this.#options.run(offer);
      this.#lastDuration = this.#clock.now() - started;
      const due = this.#lastAnswer + interval;
      if (due > this.#clock.now()) await this.#until(due);
      this.#lastAnswer = this.#clock.now();
      if (!this.#stopped) this.#options.onResult(result, offer, this.#clock.now() - started);
    } catch (error) {
      // Immediate failures are repeated no faster than successes.
      this.#lastAnswer = this.#clock.now();
      if (!this.#stopped) this.#options.onError(error, offer);
    } finally {
      this.#running = false;
      this.#start();
      this.#wake();
    }
  }
}
