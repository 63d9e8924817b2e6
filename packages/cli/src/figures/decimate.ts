/** Long signals -> so few samples that a figure of them looks the same. */

import type { Numbers } from "./figure-text.ts";

/**
 * The samples of a lane that are drawn, in their order: all of them, or of each column those with the least value, the
 * largest and the strongest relevance. Of a column without a finite value it is the first, which makes a gap.
 * @param from index of the lane's first sample
 * @param count number of its samples
 * @param columns number of columns
 * @returns indices, the lane's first sample being 0
 */
export function decimate(
  values: Numbers,
  relevance: Numbers,
  { from, count, columns }: { readonly from: number; readonly count: number; readonly columns: number },
): number[] {
  if (count <= 3 * columns) return Array.from({ length: count }, (_, i) => i);
  const kept: number[] = [];
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * count) / columns);
    const end = Math.floor(((column + 1) * count) / columns);
    kept.push(...extremes(values, relevance, from, start, end));
  }
  return kept;
}

function extremes(values: Numbers, relevance: Numbers, from: number, start: number, end: number): number[] {
  let [least, most, strongest] = [-1, -1, -1];
  for (let i = start; i < end; i++) {
    const value = values[from + i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    if (least < 0 || value < (values[from + least] ?? 0)) least = i;
    if (most < 0 || value > (values[from + most] ?? 0)) most = i;
    const strength = Math.abs(relevance[from + i] ?? 0);
    if (strongest < 0 || strength > Math.abs(relevance[from + strongest] ?? 0)) strongest = i;
  }
  if (least < 0) return [start];
  return [...new Set([least, most, strongest])].sort((a, b) => a - b);
}
