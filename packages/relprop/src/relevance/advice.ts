/** Advice about operators that relevance cannot cross. Only options that help are named, which trial plans decide. */

import type { Obstacle } from "../errors.ts";
import { operatorKey, type Node } from "../onnx/graph.ts";
import type { Analysis } from "./analysis.ts";
import { isExplained, isUnknown } from "./other-operators.ts";
import type { RuleName } from "./rules/index.ts";
import type { Settings } from "./settings.ts";

/** The change of a plan by an option. */
interface Change {
  readonly explained?: string;
  readonly ends?: readonly string[];
  readonly origins?: readonly string[];
  readonly settings?: Settings;
}

interface Way {
  readonly analysis: Analysis;
  readonly ends: readonly string[];
  /** Nodes between the explained tensor and the ends. */
  readonly between: readonly Node[];
}

interface Blocked extends Way {
  readonly settings: Settings;
  readonly obstacles: readonly Obstacle[];
  readonly rulesFor: (node: Node) => readonly RuleName[];
  readonly settingsBefore?: (
    obstacles: ReadonlySet<string>,
  ) => readonly { readonly input: string; readonly value: unknown }[];
}

/** Advice, with options of the command in brackets. @param helps whether a plan with the change has no obstacle */
export function adviceFor(blocked: Blocked, helps: (change: Change) => boolean): string[] {
  const { analysis, ends, settings, between, obstacles, rulesFor } = blocked;
  const stops = new Set(obstacles.map(({ node }) => node));
  const isInput = (name: string): boolean => analysis.graph.inputs.some((input) => input.name === name);
  const inputs = ends.length < 2 ? [] : ends.filter(isInput);
  const alone = inputs.filter((name) => helps({ ends: [name], origins: [name] }));
  const before = tensorsBefore(blocked, stops).find(({ tensor }) =>
    helps({ explained: tensor, ends: ends.slice(0, 1) }),
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
  const fixed = blocked.settingsBefore?.(stops) ?? [];
  return [
    ...fixed.map(({ input, value }) => `fix the input "${input}" (such as --set ${input}=${String(value)})`),
    ...alone.map((name) => `explain the input "${name}" alone (--explain ${name})`),
    ...(before ? [`explain the tensor before ${before.before} (--output ${before.tensor})`] : []),
    ...(behind === undefined
      ? []
      : [`let relevance stop behind ${stops.size === 1 ? "it" : "them"} (--layer ${behind})`]),
    ...(canCross ? [`give a rule (${rules.slice(0, 3).join(" ")}${rules.length > 3 ? " …" : ""})`] : []),
    ...(fallbacks.length > 0
      ? [`choose a fallback (${fallbacks.map((each) => `--fallback ${each}`).join(", ")})`]
      : []),
    ...asOperators(blocked, stops),
  ];
}

/** How a program can define operators that relprop does not know. */
function asOperators({ analysis, between }: Way, stops: ReadonlySet<string>): string[] {
  const unknown = between.filter(
    (node) =>
      stops.has(node.name) && isUnknown(node) && !isExplained(node) && !analysis.operators.rowOf(node),
  );
  const entries = [...new Set(unknown.map(operatorKey))].map((key) => `"${key}": { shape, row }`);
  if (entries.length === 0) return [];
  const what = entries.length === 1 ? "the operator is" : "the operators are";
  return [
    `say in a program what ${what}: compile(model, { operators: { ${entries.join(", ")} } }), see docs/extending.md`,
  ];
}

/** Sorts rules by usefulness: a gradient comes from the operator itself, passing on relevance assumes more. */
export const usefulFirst = (rules: readonly RuleName[]): RuleName[] =>
  rules.toSorted((a, b) => usefulness.indexOf(b) - usefulness.indexOf(a));
const usefulness: readonly RuleName[] = ["pass", "gradient"];

/** The last tensors from which the ends can be reached without an obstacle. */
export function tensorsBefore(
  { analysis, between, ends }: Way,
  stops: ReadonlySet<string>,
): { readonly tensor: string; readonly before: string }[] {
  const free = new Map(ends.map((name) => [name, true]));
  const found = new Map<string, string>();
  for (const node of between) {
    const carrying = analysis.operators.relevantInputs(node).filter((name) => free.has(name));
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

/** Tensors after the last obstacle where relevance could stop, nearest first. */
export function tensorsBehind({ analysis, between }: Way, stops: ReadonlySet<string>): string[] {
  const { explained, operators } = analysis;
  const last = between.findLastIndex(({ name }) => stops.has(name));
  // Other outputs, such as statistics or a mask, lead nowhere.
  const onTheWay = new Set(between.flatMap((node) => operators.relevantInputs(node)));
  return between.slice(last).flatMap((node) => {
    if (!analysis.isKnown(node)) return [];
    const real = analysis.siteOf(node).outputs.filter((value) => value?.dataType === "float32");
    const names = real.flatMap((value) => (value && value.name !== explained ? [value.name] : []));
    return names.filter((name) => onTheWay.has(name) && operators.relevantOutputs(node).includes(name));
  });
}
