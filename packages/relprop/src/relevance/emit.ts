/** The reverse walk: from the seed relevance to the input, summing relevance where the model forks. */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { Algebra, type Term } from "./algebra.ts";
import type { Plan, PlanStep } from "./assign-rules.ts";
import { keepLargest } from "./filter.ts";
import { linearLayer, plainLayer } from "./layers.ts";
import { filled } from "./ops/shapes.ts";
import type { Site, SplittingRow } from "./row-kinds.ts";
import { linearRules, plainRules, type LinearRuleName, type PlainRuleName } from "./rules/index.ts";
import type { Settings } from "./settings.ts";

export interface Walk {
  readonly b: GraphBuilder;
  readonly graph: Graph;
  readonly plan: Plan;
  readonly settings: Settings;
  readonly nonNegative: ReadonlySet<string>;
  readonly siteOf: (node: Node) => Site;
  /** The fraction the relevance filter keeps, where it is a graph input. */
  readonly keep: Value | undefined;
}

/**
 * Adds the nodes that carry relevance from `output` to `input`.
 * @param seed relevance of the output, in its shape
 * @returns relevance of the input, in its shape; undefined if none can reach it
 */
export function emitRelevance(walk: Walk, output: string, seed: Value, input: string): Term {
  const { b, plan, settings } = walk;
  const m = new Algebra(b, walk.nonNegative);
  const relevance = new Map<string, Value>([[output, seed]]);
  const filter = settings.topK === "input" ? walk.keep : settings.topK;

  for (const step of plan.steps.toReversed()) {
    const site = walk.siteOf(step.node);
    const arriving = step.node.outputs.map((name) => relevance.get(name));
    if (arriving.every((R) => R === undefined)) continue;
    const isFiltered = step.row?.filtered === true && filter !== undefined && filter !== 0;
    const kept = arriving.map((R) => (R && isFiltered ? keepLargest(b, R, filter) : R));
    for (const [index, R] of crossNode(step, site, kept, settings, m)) {
      const name = step.node.inputs[index] as string;
      const total = m.add(relevance.get(name), R);
      if (total) relevance.set(name, total);
    }
  }
  return relevance.get(input);
}

type Contribution = readonly [input: number, R: Term];

function crossNode(
  step: PlanStep,
  site: Site,
  arriving: readonly Term[],
  settings: Settings,
  m: Algebra,
): Contribution[] {
  const { row, choice } = step;
  const computed = site.inputs.flatMap((value, index) => (value && site.isComputed(value) ? [index] : []));
  if (row?.kind === "splitting") return crossSplit(row, site, arriving, computed);
  const R = arriving[0];
  if (!R) return [];
  if (row?.kind === "linear") {
    const rule = linearRules[choice.rule as LinearRuleName](choice);
    return [[row.input(site), rule(linearLayer(row, site, settings.strides, m), R, m)]];
  }
  if (!row) return computed.slice(0, 1).map((index) => [index, R]);
  const rule = plainRules[choice.rule as PlainRuleName](choice);
  const averaged =
    settings.strides === "average" && choice.rule !== "gradient" ? row.averaged?.(site) : undefined;
  return computed.map((index) => [index, rule(plainLayer(row, site, index, averaged, m), R, m)]);
}

function crossSplit(
  row: SplittingRow,
  site: Site,
  arriving: readonly Term[],
  computed: readonly number[],
): Contribution[] {
  const parts = site.outputs.map((output, i) => arriving[i] ?? filled(site.b, 0, output.shape, output));
  return computed.map((index) => [index, row.pullBackAll(site, parts, index)]);
}
