/** Measures how faithful explanations are. */
export { baselineNames, baselines, type BaselineName } from "./baselines.ts";
export { evaluate, type EvaluateOptions, type Evaluation, type LeftOut, type MapMaker } from "./evaluate.ts";
export type { MeasureOptions } from "./measurement.ts";
export { metricNames, metrics, type MetricName } from "./metrics.ts";
export type { Curve, First } from "./removal.ts";
export type { Comparison, Interval, Summary } from "./statistics.ts";
export type { MeasuredInput, MeasuredMap, MetricRow } from "./table.ts";
