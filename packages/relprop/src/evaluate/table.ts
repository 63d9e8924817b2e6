/** Measured maps of many inputs -> one row for each method and metric. */

import { metrics, type MetricName } from "./metrics.ts";
import { Measurement, type MapSource, type MeasureOptions, type Subject } from "./measurement.ts";
import type { Curve, First } from "./removal.ts";
import { compare, summarize, type Comparison, type Summary } from "./statistics.ts";

/** What was measured about one map. */
export interface MeasuredMap {
  /** The metrics; one is absent where it is not defined, as for a map of zeros. */
  readonly numbers: Partial<Record<MetricName, number>>;
  /** Shares of the answer that are left, if a metric reads them. */
  readonly curves: Partial<Record<First, Curve>>;
}

/** The measured maps of one input, by method; one is absent where it failed. */
export type MeasuredInput = Readonly<Record<string, MeasuredMap | undefined>>;

/** What a metric says about a method. */
export interface MetricRow {
  /** The name of the method. */
  readonly method: string;
  /** The name of the metric. */
  readonly metric: MetricName;
  /** Over all inputs that have a number; absent without any. */
  readonly summary?: Summary;
  /** Differences to the reference, over the inputs where both have a number. */
  readonly difference?: Comparison;
}

/**
 * Measures a map.
 * @throws InputError if the map has numbers that are NaN or infinite, or the answer is about 0
 */
export async function measureMap(
  subject: Subject,
  source: MapSource,
  names: readonly MetricName[],
  options: MeasureOptions = {},
): Promise<MeasuredMap> {
  const measurement = new Measurement(subject, source, options);
  const numbers: Partial<Record<MetricName, number>> = {};
  for (const name of names) {
    const number = await metrics[name].measure(measurement);
    if (number !== undefined) numbers[name] = number;
  }
  const curves: Partial<Record<First, Curve>> = {};
  for (const first of ["most", "least"] as const)
    if (measurement.hasCurve(first)) curves[first] = await measurement.shares(first);
  return { numbers, curves };
}

/**
 * Summarizes metrics over inputs.
 * @param reference the method that others are compared with
 */
export function metricTable(
  inputs: readonly MeasuredInput[],
  methods: readonly string[],
  names: readonly MetricName[],
  reference: string,
): MetricRow[] {
  return names.flatMap((metric) =>
    methods.map((method): MetricRow => {
      const pairs = inputs.map((input) => [
        input[method]?.numbers[metric],
        input[reference]?.numbers[metric],
      ]);
      const own = pairs.flatMap(([number]) => number ?? []);
      const both = pairs.filter(
        (pair): pair is [number, number] => pair[0] !== undefined && pair[1] !== undefined,
      );
      const isCompared = method !== reference && both.length > 0;
      return {
        method,
        metric,
        ...(own.length > 0 && { summary: summarize(own) }),
        ...(isCompared && {
          difference: compare(
            both.map(([number]) => number),
            both.map(([, number]) => number),
          ),
        }),
      };
    }),
  );
}
