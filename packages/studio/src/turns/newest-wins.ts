/**
 * One inference in flight, the newest offer wins, no queue. Whoever has something new (a picture, a stroke, a camera
 * frame, other settings) offers it; while a run is under way only the latest offer is kept, and it is read when its turn
 * comes, so that the answer is never to an old question. Every mode asks the engine through this.
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

export interface NewestWinsOptions<Offer, Result> {
  /** The work, one at a time. */
  run(offer: Offer): Promise<Result>;
  /** The answer with the offer it belongs to, and the time in milliseconds from grabbing the one to having the other. */
  onResult(result: Result, offer: Offer, latency: number): void;
  /** An offer could not be grabbed (then there is none) or its run failed. The next offer is run as ever. */
  onError(error: unknown, offer: Offer | undefined): void;
  /**
   * Least time between two answers, in milliseconds: a run starts so that its own is due then, and one that comes early
   * is held back. Asked for at each start. 0, the default, is as fast as it goes.
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
  /** How long the last run took. */
  #took = 0;
  /** Ends the wait for a start, or that of an answer which is held back. */
  #callOff: (() => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: NewestWinsOptions<Offer, Result>) {
    this.#options = options;
    this.#clock = options.clock ?? pageClock;
  }

  /** Offers something to run; it takes the place of an offer that has not started. `grab` is called at its start. */
  offer(grab: () => Offer): void {
    if (this.#stopped) return;
    this.#newest = grab;
    this.#start();
  }

  /** Starts nothing until {@link NewestWins.resume}; a run under way still answers. The newest offer is kept. */
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
    const interval = this.#options.interval?.() ?? 0;
    const wait = this.#lastAnswer + interval - this.#took - this.#clock.now();
    this.#callOff?.();
    this.#callOff = undefined;
    if (wait > 0) {
      this.#callOff = this.#clock.after(wait, () => this.#start());
      return;
    }
    const grab = this.#newest;
    this.#newest = undefined;
    this.#running = true;
    void this.#run(grab, interval);
  }

  /** Resolves at a time, or when all ends. */
  #until(time: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#clock.after(time - this.#clock.now(), resolve);
      this.#callOff = () => {
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
      this.#took = this.#clock.now() - started;
      const due = this.#lastAnswer + interval;
      if (due > this.#clock.now()) await this.#until(due);
      this.#lastAnswer = this.#clock.now();
      if (!this.#stopped) this.#options.onResult(result, offer, this.#clock.now() - started);
    } catch (error) {
      // What fails at once is not tried more often than what works.
      this.#lastAnswer = this.#clock.now();
      if (!this.#stopped) this.#options.onError(error, offer);
    } finally {
      this.#running = false;
      this.#start();
      this.#wake();
    }
  }
}
