/** Metrics of a map alone: how concentrated it is, and whether it shows the strides of the network. */

import { sure } from "../sure.ts";

/**
 * The Gini index of |R|, from 0 (the same everywhere) to 1 (all at one place). Chalasani et al. 2020.
 * @returns undefined for a map of zeros
 */
export function sparseness(map: ArrayLike<number>): number | undefined {
  const sorted = Float64Array.from(map, Math.abs).sort();
  const count = sorted.length;
  let [ranked, total] = [0, 0];
  for (let i = 0; i < count; i++) {
    ranked += (2 * (i + 1) - count - 1) * sure(sorted[i]);
    total += sure(sorted[i]);
  }
  return total === 0 ? undefined : ranked / (count * total);
}

/**
 * The entropy of |R| / Σ|R| in nats, from 0 (all at one place) to ln n (the same at each of n places). Bhatt et al. 2020.
 * @returns undefined for a map of zeros
 */
export function complexity(map: ArrayLike<number>): number | undefined {
  const shares = Float64Array.from(map, Math.abs);
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (total === 0) return undefined;
  return shares.reduce(
    (sum, share) => (share === 0 ? sum : sum - (share / total) * Math.log(share / total)),
    0,
  );
}

/**
 * The largest ‖R' − R‖ / ‖R‖ of some other maps of the same input, by Euclidean lengths. Yeh et al. 2019.
 * @returns undefined for a map of zeros
 */
export function largestChange(
  map: ArrayLike<number>,
  others: readonly ArrayLike<number>[],
): number | undefined {
  const lengthOf = (numberAt: (i: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < map.length; i++) sum += numberAt(i) ** 2;
    return Math.sqrt(sum);
  };
  const own = lengthOf((i) => map[i] ?? 0);
  if (own === 0) return undefined;
  return others.reduce(
    (most, other) => Math.max(most, lengthOf((i) => (other[i] ?? 0) - (map[i] ?? 0)) / own),
    0,
  );
}

/** Bins of a histogram. */
const bins = 100;

/** The entropy of the histogram of R in nats, over 100 bins from its lowest to its highest number. Hedström et al. 2024. */
export function histogramEntropy(map: ArrayLike<number>): number {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < map.length; i++) {
    low = Math.min(low, map[i] ?? 0);
    high = Math.max(high, map[i] ?? 0);
  }
  if (!(high > low)) return 0;
  const counts = new Float64Array(bins);
  for (let i = 0; i < map.length; i++) {
    const bin = Math.min(bins - 1, Math.floor((bins * ((map[i] ?? 0) - low)) / (high - low)));
    counts[bin] = sure(counts[bin]) + 1;
  }
  return sure(complexity(counts));
}

/**
 * How much of a map is a grid: the share of its spectral energy at the frequencies of a stride s, (k/s, l/s) with k and l from 0
 * to s − 1, of the energy at all frequencies but (0, 0). It is 1 for a map that repeats every s pixels, and (s² − 1)/(HW − 1) on average for
 * white noise.
 * @param size height and width
 * @param strides steps of the network in pixels, such as 2, 4, 8, 16, 32; sides are cut to whole periods
 * @returns the largest share of all strides; undefined for a constant map, or one of less than two periods
 */
export function gridScore(
  map: ArrayLike<number>,
  [height, width]: readonly [number, number],
  strides: readonly number[],
): number | undefined {
  const shares = strides.flatMap((stride) => {
    const [rows, columns] = [height - (height % stride), width - (width % stride)];
    if (stride < 2 || rows < 2 * stride || columns < 2 * stride) return [];
    return shareOfStride(map, width, { rows, columns, stride }) ?? [];
  });
  return shares.length === 0 ? undefined : Math.max(...shares);
}

/** By Parseval's theorem, the energy at these frequencies is that of the mean of all periods: no transform is needed. */
function shareOfStride(
  map: ArrayLike<number>,
  width: number,
  { rows, columns, stride }: { readonly rows: number; readonly columns: number; readonly stride: number },
): number | undefined {
  const period = new Float64Array(stride * stride);
  let [sum, squares] = [0, 0];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const value = map[y * width + x] ?? 0;
      sum += value;
      squares += value * value;
      const at = (y % stride) * stride + (x % stride);
      period[at] = sure(period[at]) + value;
    }
  }
  const count = rows * columns;
  const mean = sum / count;
  const energy = squares / count - mean * mean;
  // What is left of a constant is rounding.
  if (!(energy > 1e-12 * (squares / count))) return undefined;
  const each = count / period.length;
  return period.reduce((total, s) => total + (s / each - mean) ** 2, 0) / period.length / energy;
}
