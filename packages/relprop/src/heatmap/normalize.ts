/** Relevance -> positions on a colour map. */

import { InputError } from "../errors.ts";

/**
 * How relevance is spread over a colour map (zennit's words, and the seed's for the last one).
 * - `symmetric`: [−m, m] with m = max |R|, so that zero is the middle; for signed relevance and diverging maps;
 * - `absolute`: |R| over [0, m]; how much, not for or against;
 * - `unaligned`: [min R, max R], so that zero can be anywhere;
 * - `min-max`: another name of `unaligned`, which people who come from matplotlib's `imshow` know.
 */
export type Normalization = "symmetric" | "absolute" | "unaligned" | "min-max";

/** All values of {@link Normalization}. */
export const normalizations: readonly Normalization[] = ["symmetric", "absolute", "unaligned", "min-max"];

/** Options of {@link normalize}. */
export interface NormalizeOptions {
  readonly normalize: Normalization;
  /**
   * Contrast: positions are multiplied by it, about the middle for `symmetric` and about zero relevance or the minimum
   * for the others. 1 changes nothing; 2 saturates at half the maximum. Unitless, > 0.
   * @default 1
   */
  readonly level?: number;
  /**
   * Percentile, in (50, 100], of the values that takes the place of their maximum, so that a few outliers do not
   * leave the rest dark; those beyond it are drawn as the end of the map. 100 is the maximum itself.
   * @default 100
   */
  readonly clip?: number;
}

/** Where relevance lies on a colour map. */
export interface Normalized {
  /** One position in [0, 1] for each value, in the same order. */
  readonly positions: Float32Array;
  /** The relevance (for `absolute`: its magnitude) at position 0. */
  readonly low: number;
  /** The same at position 1. */
  readonly high: number;
  /** The position that stands for nothing: 0.5 for `symmetric`, else 0. */
  readonly rest: 0 | 0.5;
}

/**
 * Spreads relevance over [0, 1]. Relevance of a single value everywhere, zero above all, is drawn as `rest`.
 * @param relevance values of any sign, unitless; [H, W] of one picture, or those of several that share a scale.
 * @throws InputError if a value is not a finite number.
 */
export function normalize(relevance: ArrayLike<number>, options: NormalizeOptions): Normalized {
  const { normalize: kind, level = 1, clip = 100 } = options;
  const rest = kind === "symmetric" ? 0.5 : 0;
  const values = new Float32Array(relevance);
  if (kind === "absolute") for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i] as number);
  const [low, high] = bounds(values, kind, clip, level);
  const scale = high > low ? 1 / (high - low) : 0;
  const positions = values;
  for (let i = 0; i < values.length; i++) {
    const position = scale === 0 ? rest : ((values[i] ?? 0) - low) * scale;
    positions[i] = Math.min(1, Math.max(0, position));
  }
  return { positions, low, high, rest };
}

function bounds(values: Float32Array, kind: Normalization, clip: number, level: number): [number, number] {
  if (kind === "symmetric") {
    const most = percentile(values.map(Math.abs), clip) / level;
    return [-most, most];
  }
  const low = kind === "absolute" ? 0 : percentile(values, 100 - clip);
  return [low, low + (percentile(values, clip) - low) / level];
}

/** The smallest value that at least `percent` of all are not above; the extremes without sorting. */
function percentile(values: Float32Array, percent: number): number {
  let least = Infinity;
  let most = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) throw notFinite(value);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (values.length === 0) return 0;
  if (percent >= 100) return most;
  if (percent <= 0) return least;
  const rank = Math.ceil((percent / 100) * values.length) - 1;
  return ofRank(values, Math.max(0, rank));
}

/** The value that `rank` others come before in ascending order: Hoare's selection, ten times faster than sorting. */
function ofRank(values: Float32Array, rank: number): number {
  const v = values.slice();
  let [from, to] = [0, v.length - 1];
  while (from < to) {
    const pivot = v[(from + to) >> 1] as number;
    let [i, j] = [from, to];
    while (i <= j) {
      while ((v[i] as number) < pivot) i++;
      while ((v[j] as number) > pivot) j--;
      if (i > j) break;
      const other = v[i] as number;
      v[i++] = v[j] as number;
      v[j--] = other;
    }
    if (rank <= j) to = j;
    else if (rank >= i) from = i;
    else break;
  }
  return v[rank] as number;
}

function notFinite(value: number): InputError {
  return new InputError({
    what: "cannot draw relevance",
    why: `it holds ${value}`,
    fix: "a larger --epsilon keeps denominators away from zero",
  });
}
