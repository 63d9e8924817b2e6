/** What can be done about operators that stand in the way: only what was tried, and helps. */

import type { Obstacle } from "../errors.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { relevantInputs, relevantOutputs } from "./op-table.ts";
import type { Site } from "./row-kinds.ts";
import type { RuleName } from "./rules/index.ts";
import type { Settings } from "./settings.ts";

/** What an option of the command changes about a plan. */
interface Change {
  readonly output?: string;
  readonly ends?: readonly string[];
  readonly origins?: readonly string[];
  readonly settings?: Settings;
}

interface Way {
  readonly graph: Graph;
  readonly output: string;
  readonly ends: readonly string[];
  /** Nodes between output and ends. */
  readonly between: readonly Node[];
  readonly siteOf: (node: Node) => Site;
  readonly isKnown: (name: string) => boolean;
}

interface Blocked extends Way {
  readonly settings: Settings;
  readonly obstacles: readonly Obstacle[];
  readonly rulesFor: (node: Node) => readonly RuleName[];
}

/** Advice with the command's options in brackets. @param helps whether a plan with the change has no obstacle */
export function waysPast(blocked: Blocked, helps: (change: Change) => boolean): string[] {
  const { graph, ends, settings, between, obstacles, rulesFor } = blocked;
  const stops = new Set(obstacles.map(({ node }) => node));
  const inputs = ends.length < 2 ? [] : ends.filter((end) => graph.inputs.some(({ name }) => name === end));
  const alone = inputs.filter((name) => helps({ ends: [name], origins: [name] }));
  const before = tensorsBefore(between, ends, stops).find(({ tensor }) =>
    helps({ output: tensor, ends: ends.slice(0, 1) }),
  );
  const behind = tensorsBehind(blocked, stops).find((name) => helps({ ends: [name] }));
  const crossings = between.flatMap((node) => {
    const [rule] = stops.has(node.name) ? usefulFirst(rulesFor(node)) : [];
    return rule === undefined ? [] : [{ pattern: node.name, choice: { rule } }];
  });
  const overrides = [...crossings, ...settings.overrides];
  const canCross = crossings.length === stops.size && helps({ settings: { ...settings, overrides } });
  const rules = crossings.map(({ pattern, choice }) => `--rule '${pattern}=${choice.rule}'`);
  const fallbacks = (["gradient", "pass"] as const).filter((fallback) =>
    helps({ settings: { ...settings, fallback } }),
  );
  return [
    ...alone.map((name) => `explain the input "${name}" alone (--explain ${name})`),
    ...(before ? [`explain the tensor before ${before.before} (--output ${before.tensor})`] : []),
    ...(behind === undefined
      ? []
      : [`let relevance stop behind ${stops.size === 1 ? "it" : "them"} (--layer ${behind})`]),
    ...(canCross ? [`give a rule (${rules.slice(0, 3).join(" ")}${rules.length > 3 ? " …" : ""})`] : []),
    ...(fallbacks.length > 0
      ? [`choose a fallback (${fallbacks.map((each) => `--fallback ${each}`).join(", ")})`]
      : []),
  ];
}

/** Rules in the order to name them: the gradient is at least the operator's own, passing assumes more. */
export const usefulFirst = (rules: readonly RuleName[]): RuleName[] =>
  rules.toSorted((a, b) => usefulness.indexOf(b) - usefulness.indexOf(a));
const usefulness: readonly RuleName[] = ["pass", "gradient"];

/** The last tensors from which the ends can be reached without an obstacle. */
export function tensorsBefore(
  between: readonly Node[],
  ends: readonly string[],
  stops: ReadonlySet<string>,
): { readonly tensor: string; readonly before: string }[] {
  const free = new Map(ends.map((name) => [name, true]));
  const found = new Map<string, string>();
  for (const node of between) {
    const carrying = relevantInputs(node).filter((name) => free.has(name));
    const isFree = !stops.has(node.name) && carrying.every((name) => free.get(name));
    for (const name of node.outputs) free.set(name, isFree);
    if (!stops.has(node.name)) continue;
    for (const name of carrying) {
      if (free.get(name) && !ends.includes(name) && !found.has(name))
        found.set(name, `${node.opType} "${node.name}"`);
    }
  }
  return [...found].map(([tensor, before]) => ({ tensor, before }));
}

/** Tensors from the last obstacle on at which relevance could stop, nearest first. */
export function tensorsBehind(
  { between, output, siteOf, isKnown }: Way,
  stops: ReadonlySet<string>,
): string[] {
  const last = between.findLastIndex(({ name }) => stops.has(name));
  return between.slice(last).flatMap((node) => {
    const isWhole = [...node.inputs, ...node.outputs].every((name) => name === "" || isKnown(name));
    if (!isWhole) return [];
    const real = siteOf(node).outputs.filter((value) => value?.dataType === "float32");
    const names = real.flatMap((value) => (value && value.name !== output ? [value.name] : []));
    return names.filter((name) => relevantOutputs(node).includes(name));
  });
}
