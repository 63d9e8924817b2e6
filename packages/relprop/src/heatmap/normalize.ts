/** Maps relevance to positions on a colour map. */

import { InputError } from "../errors.ts";

/**
 * The range of relevance that a colour map covers; the first three names are zennit's.
 * - `symmetric`: [−m, m] with m = max |R|, so zero is the middle; for signed relevance and diverging maps
 * - `absolute`: |R| in [0, m], without the sign
 * - `unaligned`: [min R, max R], so zero can be anywhere
 * - `min-max`: another name of `unaligned`, known from matplotlib's `imshow`
 */
export type Normalization = "symmetric" | "absolute" | "unaligned" | "min-max";

/** All values of {@link Normalization}. */
export const normalizations: readonly Normalization[] = ["symmetric", "absolute", "unaligned", "min-max"];

/** Options of {@link normalize}. */
export interface NormalizeOptions {
  /** Which range of relevance the colour map covers. */
  readonly normalize: Normalization;
  /**
   * Contrast: a factor of the positions, about the middle for `symmetric`, about zero or the minimum for the others. 1
   * changes nothing, 2 saturates at half the maximum. Unitless, > 0.
   * @default 1
   */
  readonly level?: number;
  /**
   * Percentile of the values, in (50, 100], that is used instead of their maximum, so a few outliers do not leave the
   * rest pale. Values beyond it get the colour at the end of the map. 100 is the maximum itself.
   * @default 100
   */
  readonly clip?: number;
}

/** Positions of relevance on a colour map. */
export interface Normalized {
  /** One position in [0, 1] for each value, in the same order. */
  readonly positions: Float32Array;
  /** The relevance (for `absolute`: its magnitude) at position 0. */
  readonly low: number;
  /** The same at position 1. */
  readonly high: number;
  /** The position of no relevance: 0.5 for `symmetric`, else 0. */
  readonly rest: 0 | 0.5;
}

/**
 * Maps relevance to [0, 1]. If all values are equal, such as zero, their position is `rest`.
 * @param relevance values of any sign, unitless; [H, W] of one picture, or those of several that share a scale
 * @throws InputError if a value is not a finite number
 *
 * @example
 *     normalize([-1, 0, 2], { normalize: "symmetric" }); // positions 0.25, 0.5, 1; low -2, high 2
 */
export function normalize(relevance: ArrayLike<number>, options: NormalizeOptions): Normalized {
  const { normalize: kind, level = 1, clip = 100 } = options;
  const rest = kind === "symmetric" ? 0.5 : 0;
  const values = kind === "absolute" ? magnitudes(relevance) : new Float32Array(relevance);
  const [low, high] = bounds(values, kind, clip, level);
  const scale = high > low ? 1 / (high - low) : 0;
  const positions = values;
  for (let i = 0; i < values.length; i++) {
    const position = scale === 0 ? rest : ((values[i] ?? 0) - low) * scale;
    positions[i] = Math.min(1, Math.max(0, position));
  }
  return { positions, low, high, rest };
}

function magnitudes(relevance: ArrayLike<number>): Float32Array {
  const values = new Float32Array(relevance.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.abs(relevance[i] ?? 0);
  return values;
}

function bounds(values: Float32Array, kind: Normalization, clip: number, level: number): [number, number] {
  if (kind === "symmetric") {
    const most = percentile(magnitudes(values), clip) / level;
    return [-most, most];
  }
  const low = kind === "absolute" ? 0 : percentile(values, 100 - clip);
  return [low, low + (percentile(values, clip) - low) / level];
}

/** The smallest value that at least `percent` of all values do not exceed; 0 and 100 take no sorting. */
function percentile(values: Float32Array, percent: number): number {
  let least = Infinity;
  let most = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) throw notFinite(value);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (values.length === 0) return 0;
  if (percent >= 100) return most;
  if (percent <= 0) return least;
  const rank = Math.ceil((percent / 100) * values.length) - 1;
  return valueOfRank(values, Math.max(0, rank));
}

/** The value at index `rank` in ascending order, by Hoare's selection, which is ten times faster than sorting. */
function valueOfRank(values: Float32Array, rank: number): number {
  const v = values.slice();
  let [from, to] = [0, v.length - 1];
  while (from < to) {
    const pivot = v[(from + to) >> 1] ?? 0;
    let [i, j] = [from, to];
    while (i <= j) {
      while ((v[i] ?? pivot) < pivot) i++;
      while ((v[j] ?? pivot) > pivot) j--;
      if (i > j) break;
      const other = v[i] ?? 0;
      v[i++] = v[j] ?? 0;
      v[j--] = other;
    }
    if (rank <= j) to = j;
    else if (rank >= i) from = i;
    else break;
  }
  return v[rank] ?? 0;
}

function notFinite(value: number): InputError {
  return new InputError({
    what: "cannot draw relevance",
    why: `it holds ${value}`,
    fix: "a larger --epsilon keeps denominators away from zero",
  });
}
