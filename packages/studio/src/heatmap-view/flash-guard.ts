/**
 * Allows no more than three flashes a second (WCAG 2.2, success criterion 2.3.1). A flash is a pair of opposing changes of
 * relative luminance by a tenth or more where the darker side is below 0.8, or of a saturated red; it counts if a
 * quarter of the picture or more takes part. A picture that would make a fourth flash is not shown.
 */

/** Cells in each direction of the reduced picture that is checked. */
export const guardCells = 16;

const cells = guardCells * guardCells;
const second = 1000;
const mostChanges = 6;
const minCells = 0.25 * cells;

/** A quantity watched in each cell, and the size of a change that counts. */
interface Watch {
  readonly step: number;
  /** A change counts only if its lower side is below this. */
  readonly below: number;
  /** Linear red, green and blue in [0, 1] -> the quantity. */
  readonly of: (red: number, green: number, blue: number) => number;
}

const watches: readonly Watch[] = [
  { step: 0.1, below: 0.8, of: (red, green, blue) => 0.2126 * red + 0.7152 * green + 0.0722 * blue },
  { step: 20 / 320, below: Infinity, of: (red, green, blue) => Math.max(0, red - green - blue) },
];

/** The history of one quantity in all cells. */
class History {
  readonly #watch: Watch;
  readonly #low: Float32Array;
  readonly #high: Float32Array;
  /** 1 after a rise, −1 after a fall, 0 at first. */
  readonly #direction = new Int8Array(cells);
  /** Times of each cell's latest changes, a ring buffer. */
  readonly #times = new Float64Array(cells * mostChanges).fill(-Infinity);
  readonly #next = new Uint8Array(cells);

  constructor(watch: Watch, first: Float32Array) {
    this.#watch = watch;
    this.#low = Float32Array.from(first);
    this.#high = Float32Array.from(first);
  }

  /** The number of cells that would change for the seventh time within a second. */
  tooMany(values: Float32Array, time: number): number {
    let count = 0;
    for (let cell = 0; cell < cells; cell++) {
      if (this.#change(cell, values[cell] ?? 0) === 0) continue;
      const oldest = this.#times[cell * mostChanges + (this.#next[cell] ?? 0)] ?? -Infinity;
      if (oldest > time - second) count++;
    }
    return count;
  }

  accept(values: Float32Array, time: number): void {
    for (let cell = 0; cell < cells; cell++) {
      const value = values[cell] ?? 0;
      const change = this.#change(cell, value);
      if (change !== 0) {
        const next = this.#next[cell] ?? 0;
        this.#times[cell * mostChanges + next] = time;
        this.#next[cell] = (next + 1) % mostChanges;
        this.#direction[cell] = change;
        this.#low[cell] = value;
        this.#high[cell] = value;
      } else {
        this.#low[cell] = Math.min(this.#low[cell] ?? value, value);
        this.#high[cell] = Math.max(this.#high[cell] ?? value, value);
      }
    }
  }

  #change(cell: number, value: number): -1 | 0 | 1 {
    const { step, below } = this.#watch;
    const low = this.#low[cell] ?? value;
    const high = this.#high[cell] ?? value;
    const direction = this.#direction[cell] ?? 0;
    if (direction <= 0 && value - low >= step && low < below) return 1;
    if (direction >= 0 && high - value >= step && value < below) return -1;
    return 0;
  }
}

/** Checks the pictures of one canvas. */
export class FlashGuard {
  #histories: readonly History[] | undefined;

  /**
   * Whether a picture may be shown now. If so, it counts as shown; otherwise the caller keeps the previous one.
   * @param pixels RGBA of the picture reduced to {@link guardCells} × {@link guardCells}.
   * @param time in milliseconds.
   */
  allows(pixels: Uint8ClampedArray, time: number): boolean {
    const values = watches.map((watch) => quantity(watch, pixels));
    const histories = (this.#histories ??= watches.map((watch, i) => new History(watch, values[i] ?? empty)));
    if (histories.some((history, i) => history.tooMany(values[i] ?? empty, time) >= minCells)) return false;
    for (const [i, history] of histories.entries()) history.accept(values[i] ?? empty, time);
    return true;
  }
}

const empty = new Float32Array(cells);

function quantity(watch: Watch, pixels: Uint8ClampedArray): Float32Array {
  const linear = (at: number): number => linearOf[pixels[at] ?? 0] ?? 0;
  return Float32Array.from({ length: cells }, (_, cell) =>
    watch.of(linear(4 * cell), linear(4 * cell + 1), linear(4 * cell + 2)),
  );
}

/** sRGB byte -> linear light. */
const linearOf: Float32Array = Float32Array.from({ length: 256 }, (_, byte) => {
  const share = byte / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});
