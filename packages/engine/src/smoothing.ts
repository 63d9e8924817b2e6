/**
 * Steady pictures. A map normalised by its own largest value pumps as that value jitters, and single pixels flicker:
 * so relevance is averaged over frames, and so is the value that takes the end of the colour map.
 */

/** Relevance of one picture, [height, width], unitless. */
export interface FrameRelevance {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** A frame as it is to be drawn. */
export interface SteadyRelevance {
  readonly relevance: FrameRelevance;
  /**
   * Contrast to draw with (`NormalizeOptions.level`), so that the end of the colour map stands for the smoothed largest
   * value and not for this frame's own: own / smoothed.
   */
  readonly level: number;
}

/** Weight of the newest frame in the average of relevance. */
const newest = 0.6;
/** Milliseconds after which the largest value has gone 63 % of the way to a new one. */
const settling = 500;

/**
 * Exponential averages over frames: `S ← 0.6·R + 0.4·S` for relevance, and for the largest value
 * `m ← m + (1 − exp(−Δt / 500 ms))·(max |S| − m)`, so that its pace does not depend on the frame rate.
 */
export class Smoother {
  #average: Float32Array | undefined;
  #largest = 0;
  #time = 0;

  /**
   * The next frame, averaged with those before.
   * @param time in milliseconds; must not decrease.
   */
  next(frame: FrameRelevance, time: number): SteadyRelevance {
    const { height, width } = frame;
    const before = this.#average;
    if (before === undefined || before.length !== frame.data.length) {
      this.#average = Float32Array.from(frame.data);
      this.#largest = largestMagnitude(frame.data);
      this.#time = time;
      return { relevance: { data: this.#average, height, width }, level: 1 };
    }
    const average = before.map((old, i) => old + newest * ((frame.data[i] ?? 0) - old));
    const way = 1 - Math.exp(-Math.max(0, time - this.#time) / settling);
    const own = largestMagnitude(average);
    this.#largest += way * (own - this.#largest);
    this.#average = average;
    this.#time = time;
    const level = own > 0 && this.#largest > 0 ? own / this.#largest : 1;
    return { relevance: { data: average, height, width }, level };
  }

  /** Forgets the past: another class, model or picture must not bleed into the next. */
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
