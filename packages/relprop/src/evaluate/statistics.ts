/** Numbers of many samples -> mean, median, how sure the mean is, and differences to a reference. */

import { InputError } from "../errors.ts";
import { uniformNumbers } from "../random.ts";

/** An interval that holds the mean of all inputs like these, as far as the measured ones tell. */
export type Interval = readonly [low: number, high: number];

/** What many samples say together. */
export interface Summary {
  /** How many samples. */
  readonly count: number;
  /** The arithmetic mean. */
  readonly mean: number;
  /** The middle number, or the mean of the two in the middle. */
  readonly median: number;
  /** The 95 % interval of the mean, by the percentile bootstrap (Efron 1979). */
  readonly interval: Interval;
}

/** How a method does compared with another one on the same samples. */
export interface Comparison extends Summary {
  /** In how many samples the first number is the higher one; half of the equal ones count. */
  readonly higher: number;
}

/** How intervals are computed. */
export interface BootstrapOptions {
  /** How many times samples are drawn again. @default 10000 */
  readonly resamples?: number;
  /** The seed of the draws. @default 1 */
  readonly seed?: number;
}

/** The arithmetic mean; NaN of nothing. */
export function mean(numbers: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i] ?? 0;
  return sum / numbers.length;
}

/**
 * The number below which a share of the numbers lies, linear between neighbours.
 * @param sorted ascending
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** The median; NaN of nothing. */
export const median = (numbers: ArrayLike<number>): number =>
  quantile(Float64Array.from(numbers).sort(), 0.5);

/**
 * The 95 % interval of the mean by the percentile bootstrap (Efron 1979): as many samples are drawn with replacement, again
 * and again, and 95 % of their means lie in the interval. The draws are the same in every run.
 */
export function bootstrapInterval(
  numbers: ArrayLike<number>,
  { resamples = 10_000, seed = 1 }: BootstrapOptions = {},
): Interval {
  const count = numbers.length;
  const uniform = uniformNumbers(seed);
  const means = new Float64Array(resamples);
  for (let draw = 0; draw < resamples; draw++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += numbers[Math.floor(uniform() * count)] ?? 0;
    means[draw] = sum / count;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
}

/** @throws InputError if there are none */
export function summarize(numbers: ArrayLike<number>, options: BootstrapOptions = {}): Summary {
  if (numbers.length === 0)
    throw new InputError({ what: "cannot summarize these numbers", why: "there are none" });
  return {
    count: numbers.length,
    mean: mean(numbers),
    median: median(numbers),
    interval: bootstrapInterval(numbers, options),
  };
}

/**
 * Summarizes the differences `numbers − reference`, sample by sample: what the two methods share, such as samples that are
 * hard for both, cancels.
 * @throws InputError if the two are not about the same samples
 */
export function compare(
  numbers: ArrayLike<number>,
  reference: ArrayLike<number>,
  options: BootstrapOptions = {},
): Comparison {
  if (numbers.length !== reference.length) {
    throw new InputError({
      what: "cannot compare these numbers",
      why: `there are ${numbers.length} and ${reference.length}, which are not pairs`,
    });
  }
  const differences = Float64Array.from(
    { length: numbers.length },
    (_, i) => (numbers[i] ?? 0) - (reference[i] ?? 0),
  );
  const higher = differences.reduce((sum, d) => sum + (d > 0 ? 1 : d === 0 ? 0.5 : 0), 0);
  return { ...summarize(differences, options), higher };
}
