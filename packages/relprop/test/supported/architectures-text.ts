/** The table of architectures in SUPPORTED.md, from what a run of all of them wrote down. */

import { readFileSync } from "node:fs";
import { measuredFile, type Measured } from "../architectures/cases.ts";

const measured = JSON.parse(readFileSync(measuredFile, "utf8")) as readonly Measured[];

/** `Conv 20, Relu 17`, most first. */
const counts = (operators: Measured["operators"]): string =>
  Object.entries(operators)
    .toSorted(([a, n], [b, m]) => m - n || a.localeCompare(b))
    .map(([operator, n]) => `${operator} ${n}`)
    .join(", ");

const worst = (graphs: readonly Measured[], what: "gradient" | "unaccounted"): string =>
  Math.max(...graphs.map((graph) => graph[what])).toExponential(0);

/** How many architectures, and graphs of them. */
export function architectureCounts(): { readonly architectures: number; readonly graphs: number } {
  return { architectures: new Set(measured.map(({ name }) => name)).size, graphs: measured.length };
}

/** One line for each architecture. */
export function architectureRows(): string[][] {
  const byName = new Map<string, Measured[]>();
  for (const each of measured) byName.set(each.name, [...(byName.get(each.name) ?? []), each]);
  return [...byName].map(([name, graphs]) => {
    const [first] = graphs as [Measured];
    return [
      `\`${name}\``,
      first.source,
      graphs.map(({ exporter }) => exporter).join(", "),
      counts(first.operators),
      graphs.map(({ milliseconds }) => String(milliseconds)).join(", "),
      first.composite,
      worst(graphs, "gradient"),
      worst(graphs, "unaccounted"),
    ];
  });
}
