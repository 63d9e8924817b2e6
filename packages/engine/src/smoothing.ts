/**
 * Steadies live pictures. A map scaled by its own largest value pulsates as that value jitters, and single pixels flicker:
 * relevance is therefore averaged over frames, and so is the value at the end of the colour map.
 */

/** Relevance of one picture, [height, width], unitless. */
export interface FrameRelevance {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** A smoothed frame. */
export interface SteadyRelevance {
  readonly relevance: FrameRelevance;
  /**
   * Contrast for drawing (`NormalizeOptions.level`): own / smoothed largest value. The end of the colour map then stands for
   * the smoothed value.
   */
  readonly level: number;
}

/** Weight of the newest frame in the average of relevance. */
const newestWeight = 0.6;
/** Time constant: the largest value moves 63 % of the way to a new one in this time. */
const settlingMilliseconds = 500;

/**
 * Exponential averages over frames: `S ← 0.6·R + 0.4·S` for relevance, and for the largest value
 * `m ← m + (1 − exp(−Δt / 500 ms))·(max |S| − m)`, whose speed does not depend on the frame rate.
 */
export class Smoother {
  readonly #measure: (values: Float32Array) => number;
  #average: Float32Array | undefined;
  #largest = 0;
  #time = 0;

  /** @param measure of relevance, what the end of the colour map follows. @default max |R| */
  constructor(measure: (values: Float32Array) => number = largestMagnitude) {
    this.#measure = measure;
  }

  /**
   * Averages the next frame with the earlier ones.
   * @param time in milliseconds; must not decrease.
   */
  next(frame: FrameRelevance, time: number): SteadyRelevance {
    const { height, width } = frame;
    const before = this.#average;
    if (before === undefined || before.length !== frame.data.length) {
      this.#average = Float32Array.from(frame.data);
      this.#largest = this.#measure(frame.data);
      this.#time = time;
      return { relevance: { data: this.#average, height, width }, level: 1 };
    }
    const average = new Float32Array(before.length);
    for (let i = 0; i < average.length; i++) {
      const old = before[i] ?? 0;
      average[i] = old + newestWeight * ((frame.data[i] ?? 0) - old);
    }
    const way = 1 - Math.exp(-Math.max(0, time - this.#time) / settlingMilliseconds);
    const own = this.#measure(average);
    this.#largest += way * (own - this.#largest);
    this.#average = average;
    this.#time = time;
    const level = own > 0 && this.#largest > 0 ? own / this.#largest : 1;
    return { relevance: { data: average, height, width }, level };
  }

  /** Forgets earlier frames: another class, model or picture must not mix with them. */
  reset(): void {
    this.#average = undefined;
  }
}

/** max |R|; 0 for no values. */
export function largestMagnitude(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] ?? 0));
  return largest;
}
