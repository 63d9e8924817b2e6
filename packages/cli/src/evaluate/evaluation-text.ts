/** Measured numbers as text: a line for each picture, and the table. */

import { metrics, type Interval, type MetricName, type MetricRow } from "@relprop/core";
import { scoreText } from "../run/score.ts";
import type { MapResult } from "./evaluation-result.ts";

/** A number with three decimals; in powers of ten where they would hide it. */
export function numberText(number: number): string {
  const size = Math.abs(number);
  const text = size !== 0 && (size < 0.001 || size >= 10_000) ? number.toExponential(1) : number.toFixed(3);
  return text.replace("-", "−");
}

/** The same with a sign. */
export const signedText = (number: number): string =>
  number > 0 ? `+${numberText(number)}` : numberText(number);

/** `0.201 … 0.279`. */
export const intervalText = ([low, high]: Interval, of = numberText): string => `${of(low)} … ${of(high)}`;

/** `photos/cat.png  Egyptian cat 0.767  srg: fischer 0.312, grad-cam 0.287`. */
export function pictureText(results: readonly MapResult[], metric: MetricName): string {
  const [first] = results;
  if (!first) return "";
  const each = results.map(({ method, numbers }) => {
    const number = numbers[metric];
    return `${method} ${number === undefined ? "–" : numberText(number)}`;
  });
  return `${first.input}  ${scoreText(first.answer)}  ${metric}: ${each.join(", ")}`;
}

/** `srg: insertion − deletion …; higher is better (Blücher et al. 2024)`. */
export const metricText = (name: MetricName): string =>
  `${name}: ${metrics[name].text}; ${metrics[name].better} is better (${metrics[name].source})`;

/** The columns of the table, for people and for the page. */
export const columns = (reference: string): string[] => [
  "median",
  "mean",
  "95 % interval",
  "maps",
  `minus ${reference}`,
  "95 % interval",
  "higher in",
];

/** The cells of a row. */
export function cells({ summary, difference }: MetricRow): string[] {
  const own = summary
    ? [
        numberText(summary.median),
        numberText(summary.mean),
        intervalText(summary.interval),
        String(summary.count),
      ]
    : ["–", "–", "–", "0"];
  const other = difference
    ? [
        signedText(difference.mean),
        intervalText(difference.interval, signedText),
        `${difference.higher} of ${difference.count}`,
      ]
    : ["", "", ""];
  return [...own, ...other];
}

/** The whole table: a block for each metric. */
export function tableText(rows: readonly MetricRow[], reference: string): string {
  const names = [...new Set(rows.map(({ metric }) => metric))];
  const lines = rows.map((row) => [`  ${row.method}`, ...cells(row)]);
  const head = ["", ...columns(reference)];
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i]?.length ?? 0)));
  const lineOf = (line: readonly string[]): string =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  const blocks = names.map((name) => {
    const own = lines.filter((_line, i) => rows[i]?.metric === name);
    return [metricText(name), ...own.map(lineOf)].join("\n");
  });
  return [lineOf(head), ...blocks].join("\n");
}
