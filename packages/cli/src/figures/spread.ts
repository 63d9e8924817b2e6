/** Least and largest of numbers that may not be finite, and how they are written. */

import type { Numbers } from "./figure-text.ts";

/** The range of the finite ones among numbers, and how many are not finite. */
export interface Spread {
  readonly low: number;
  readonly high: number;
  readonly gaps: number;
}

/** The range of numbers; 0 to 0 if none is finite. */
export function spreadOf(numbers: Numbers, from = 0, to: number = numbers.length): Spread {
  let [low, high, gaps] = [Infinity, -Infinity, 0];
  for (let i = from; i < to; i++) {
    const number = numbers[i] ?? Number.NaN;
    if (!Number.isFinite(number)) gaps++;
    else {
      if (number < low) low = number;
      if (number > high) high = number;
    }
  }
  return low > high ? { low: 0, high: 0, gaps } : { low, high, gaps };
}

/** Index of the largest magnitude; 0 if there is none. */
export function strongestOf(numbers: Numbers, from = 0, to: number = numbers.length): number {
  let [at, most] = [from, -1];
  for (let i = from; i < to; i++) {
    const size = Math.abs(numbers[i] ?? 0);
    if (size > most) [at, most] = [i, size];
  }
  return at;
}

/** Indices of the largest of magnitudes, in falling order. */
export const byStrength = (strengths: readonly number[]): number[] =>
  strengths.map((_, i) => i).sort((a, b) => (strengths[b] ?? 0) - (strengths[a] ?? 0) || a - b);

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 5, useGrouping: false });

/** A value in five significant digits; very small and large ones in powers of ten. */
export function valueText(value: number): string {
  const size = Math.abs(value);
  if (Number.isNaN(value)) return "NaN";
  if (size !== 0 && Number.isFinite(value) && (size < 1e-4 || size >= 1e7))
    return value.toExponential(2).replace("-", "−").replace("e−", "e-").replace("e+", "e");
  return number.format(value).replace("-", "−");
}

const counts = new Intl.NumberFormat("en");

/** `1,000 rows`, `1 row`. */
export const countText = (count: number, one: string, more = `${one}s`): string =>
  `${counts.format(count)} ${count === 1 ? one : more}`;

/** What a figure says of values that are not finite; nothing if all are. */
export const gapNotes = (gaps: number, drawnAs = "drawn as a gap"): string[] =>
  gaps === 0 ? [] : [`${countText(gaps, "value")} not finite, ${drawnAs}`];
