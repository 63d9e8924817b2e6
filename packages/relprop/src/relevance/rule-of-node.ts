/** The rule of one node: the first override that matches it and has a rule for it, else the composite's. */

import type { Node } from "../onnx/graph.ts";
import type { Analysis } from "./analysis.ts";
import type { LayerKind } from "./composites.ts";
import { convolutionDepths } from "./depth.ts";
import { byDepth, isAtDepth, type DepthKind } from "./depth-kind.ts";
import type { Row } from "./row-kinds.ts";
import { rulesOf } from "./rule-choice.ts";
import { isOwn, type Choice } from "./rule-text.ts";
import type { Settings } from "./settings.ts";

/** The rule of one node. */
export interface PlanStep {
  readonly node: Node;
  /** Undefined if a fallback replaces a missing row. */
  readonly row: Row | undefined;
  readonly choice: Choice;
  /** The line of the composite, or the override, that decided. */
  readonly why: string;
  /** Patterns of overrides that match the node, and whose rules are for other layers. */
  readonly passedOver: readonly string[];
}

export const isLayer = (row: Row | undefined): boolean =>
  row?.family === "convolution" || row?.family === "dense";

/** The kinds of a node by its depth that rules ask for, the deepest first. */
export function depthKindsFor(
  analysis: Analysis,
  { rules, overrides }: Settings,
): (node: Node) => readonly DepthKind[] {
  const asked = byDepth([...Object.keys(rules), ...overrides.map(({ pattern }) => pattern)]);
  if (asked.length === 0) return () => [];
  const depths = convolutionDepths(analysis);
  return (node) => asked.filter((kind) => isAtDepth(kind, depths.get(node)));
}

/** Where a node stands in the network. */
export interface Place {
  readonly isFirst: boolean;
  /** Of a linear layer, from 1. */
  readonly position: number;
  readonly depthKinds: readonly DepthKind[];
}

export function stepFor(
  node: Node,
  row: Row | undefined,
  { isFirst, position, depthKinds }: Place,
  settings: Settings,
): PlanStep | undefined {
  const kinds: LayerKind[] = [];
  if (isFirst && row?.family === "convolution") kinds.push("first convolution");
  if (isFirst) kinds.push("first");
  if (row?.relu) kinds.push("relu");
  kinds.push(...depthKinds);
  if (row) kinds.push(row.family);
  const passedOver: string[] = [];
  for (const { pattern, choice } of settings.overrides) {
    if (!matches(pattern, node, kinds, isLayer(row) ? position : 0)) continue;
    // A name or a number means this node. A pattern means those that can have the rule.
    if (!isOne(pattern, node) && row && !isFor(choice, row)) passedOver.push(pattern);
    else return { node, row, choice, why: `--rule ${pattern}`, passedOver };
  }
  if (!row) return undefined;
  for (const kind of kinds) {
    const choice = settings.rules[kind];
    if (!choice) continue;
    const why = `${settings.composite}, ${kind}`;
    // A maximum with averaged or interpolated strides is an average, and shares like one.
    const isAveraged = settings.strides !== "exact" && row.kind === "plain" && row.averaged !== undefined;
    const asAverage = row.family === "maximum" && isAveraged && choice.rule === "gradient";
    const average = settings.rules.average ?? { rule: "norm" };
    return { node, row, choice: asAverage ? average : choice, why, passedOver };
  }
  if (settings.fallback === "gradient")
    return { node, row, choice: { rule: "gradient" }, why: "fallback", passedOver };
  return undefined;
}

const isOne = (pattern: string, node: Node): boolean => pattern.startsWith("#") || pattern === node.name;

/** Whether nodes of a row can have a rule. */
export const isFor = (choice: Choice, row: Row): boolean =>
  isOwn(choice) || Object.hasOwn(rulesOf(row.kind), choice.rule);

function matches(pattern: string, node: Node, kinds: readonly LayerKind[], position: number): boolean {
  if (pattern.startsWith("#")) return position > 0 && pattern === `#${position}`;
  if (pattern === node.opType || (kinds as readonly string[]).includes(pattern)) return true;
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(node.name);
}
