/** The reverse walk: from the seed relevance to the input, summing relevance where the model forks. */

import type { Value } from "../onnx/graph.ts";
import { product } from "../onnx/operators/sizes.ts";
import { Algebra, type Moving, type Term } from "./algebra.ts";
import type { Analysis } from "./analysis.ts";
import type { Plan, PlanStep } from "./assign-rules.ts";
import type { ConceptMask } from "./concepts.ts";
import { keepLargest } from "./filter.ts";
import {
  asTranspose,
  withFiniteInput,
  constantLayer,
  linearLayer,
  plainLayer,
  type LayerContext,
  type Share,
} from "./layers.ts";
import type { Crossing, RelevanceTerm, LedgerWriter } from "./ledger.ts";
import { filled, sizeAt } from "./ops/shapes.ts";
import { partsOf, type Family, type Row, type SplittingRow } from "./row-kinds.ts";
import { crossRecurrent } from "./recurrent-layers.ts";
import { linearRuleOf, plainRuleOf, recurrentRuleOf } from "./rule-choice.ts";
import { samplesIn } from "./batch.ts";
import type { Samples } from "./samples.ts";
import { ofStep, ofTensor } from "./scopes.ts";
import type { Settings } from "./settings.ts";
import { inRange } from "../size-limit.ts";

export interface Walk {
  readonly analysis: Analysis;
  readonly plan: Plan;
  readonly settings: Settings;
  /** The fraction that the relevance filter keeps, if it is a graph input. */
  readonly keep: Value | undefined;
  /** Records every node, if a ledger is requested. */
  readonly ledger?: LedgerWriter | undefined;
  /** Masks the channels of one layer, if requested. */
  readonly concepts?: ConceptMask | undefined;
}

/**
 * Adds the nodes that carry relevance from the explained tensor to the ends.
 * @param seed relevance of the explained tensor, in its shape
 * @returns relevance of each end, in its shape; undefined if none can reach it
 */
export function emitRelevance(walk: Walk, seed: Value, ends: readonly string[]): Term[] {
  const { analysis, plan, settings, ledger, concepts } = walk;
  const { b, graph, nonNegative } = analysis;
  const rectified = analysis.rectified(plan.steps.map(({ node }) => node));
  const relevance = new Map<string, Value>([[analysis.explained, seed]]);
  const filter = settings.topK === "input" ? walk.keep : settings.topK;
  const onTheWay = new Set([...ends, ...plan.steps.flatMap(({ node }) => node.outputs)]);
  const m = new Algebra(b, { nonNegative, rectified, ahead: onTheWay, without: settings.without });

  for (const [index, step] of [...plan.steps.entries()].toReversed()) {
    inRange(step.node, () => b.within(ofStep(step), () => cross(step, index)));
    for (const name of step.node.outputs) m.crossed(name);
  }
  const masked = ends.find((end) => concepts?.isAt(b.value(end)));
  if (masked !== undefined) dropRelevanceAround(masked, -1);
  return ends.map((end) => {
    const R = relevance.get(end);
    if (!R || !concepts || end !== masked) return R;
    const kept = b.within(ofTensor(graph, end, end), () => concepts.mask(b, R));
    b.within(ofTensor(graph, end, "ledger", end), () => ledger?.maskEnd(end, R, kept));
    return kept;
  });

  function cross(step: PlanStep, index: number): void {
    const site = analysis.siteOf(step.node);
    const layer = concepts && site.outputs.find((value) => concepts.isAt(value))?.name;
    if (layer !== undefined) dropRelevanceAround(layer, index);
    const arriving = step.node.outputs.map((name) => relevance.get(name));
    if (arriving.every((R) => R === undefined)) return;
    const masked = arriving.map((R, i) =>
      R && concepts?.isAt(site.outputs[i]) ? m.keepsZeros(R, concepts.mask(b, R)) : R,
    );
    const isFiltered = step.row?.filtered === true && filter !== undefined && filter !== 0;
    const kept = masked.map((R, i) =>
      R && isFiltered
        ? m.keepsZeros(R, keepLargest(b, R, filter, settings.filterBy, samplesOf(step.node.outputs[i])))
        : R,
    );
    const {
      contributions,
      constants,
      others: beside,
      ...crossed
    } = crossNode(step, kept, settings, {
      site,
      m,
      shares: ledger && [],
      isOnTheWay: (name) => onTheWay.has(name),
    });
    const outputs = step.node.outputs;
    const leaving: RelevanceTerm[] = [];
    const others: RelevanceTerm[] = constants.map((R) => ({ of: outputs[0] as string, R }));
    others.push(...(beside ?? []));
    for (const [at, R] of contributions) {
      const name = step.node.inputs[at] as string;
      const total = m.add(relevance.get(name), R);
      if (total) relevance.set(name, total);
      (onTheWay.has(name) ? leaving : others).push({ of: name, R });
    }
    const termsOf = (terms: readonly Term[]): RelevanceTerm[] =>
      terms.map((R, i) => ({ of: outputs[i] as string, R }));
    const crossing = { arriving: termsOf(arriving), masked: termsOf(masked), kept: termsOf(kept) };
    b.within(ofStep(step, "ledger"), () => ledger?.enter(step, { ...crossing, leaving, others, ...crossed }));
  }

  function samplesOf(name: string | undefined): Samples | undefined {
    const { batch, lookups, origins } = analysis;
    const place = batch?.places.get(name ?? "");
    const origin = b.value(samplesIn(lookups, origins[0] ?? ""));
    return place && { place, count: () => sizeAt(b, origin, batch?.inputAxis ?? 0) };
  }

  /**
   * Restarts relevance at the layer of concepts. Relevance of other tensors at this point flows around the layer.
   * @param index index of the step that computes the layer
   */
  function dropRelevanceAround(layer: string, index: number): void {
    const made = plan.steps.slice(0, index + 1).flatMap(({ node }) => node.outputs);
    const around = [...new Set([...ends, ...made])].flatMap((of): RelevanceTerm[] =>
      of !== layer && relevance.has(of) ? [{ of, R: relevance.get(of) }] : [],
    );
    for (const { of } of around) relevance.delete(of);
    if (!relevance.has(layer)) return;
    b.within(ofTensor(graph, layer, "ledger", layer), () => ledger?.enterAround(layer, around));
  }
}

type Contribution = readonly [input: number, R: Term];

interface Crossed {
  readonly contributions: readonly Contribution[];
  /** For the ledger: relevance of joined constants, the divisions, and whether these account for everything. */
  readonly constants: readonly Term[];
  readonly shares: readonly Share[];
  readonly isExact: boolean;
  readonly hasBorder: boolean;
  /** For the ledger: relevance that the layer gave to inputs which do not depend on the explained one. */
  readonly others?: readonly RelevanceTerm[];
  readonly chain?: Crossing["chain"];
}

/** Families with y = Σ_i x_i ∂y/∂x_i plus a bias, whose shares conserve relevance. */
const additive: ReadonlySet<Family> = new Set([
  "convolution",
  "dense",
  "affine",
  "sum",
  "average",
  "maximum",
  "routing",
  "product",
  "quotient",
  "normalization",
  "recurrent",
]);

/** Whether relevance only moves, along the gradient. */
const moves = (row: Row, rule: string): boolean =>
  row.kind === "splitting" || (rule === "gradient" && (row.family === "routing" || row.family === "maximum"));

function crossNode(
  { row, choice }: PlanStep,
  arriving: readonly Term[],
  settings: Settings,
  context: LayerContext & { readonly isOnTheWay: (name: string) => boolean },
): Crossed {
  const { site, m, isOnTheWay } = context;
  const shares = context.shares ?? [];
  const parts = partsOf(row, site, choice.rule === "gradient");
  const computed = parts.filter((index) => site.isComputed(site.input(index)));
  const crossed = (contributions: readonly Contribution[], constants: readonly Term[] = []): Crossed => ({
    contributions,
    constants,
    shares,
    isExact:
      row !== undefined && (moves(row, choice.rule) || (shares.length > 0 && additive.has(row.family))),
    hasBorder: row?.border === true,
  });

  if (row?.kind === "splitting") return crossed(crossSplit(row, context, arriving, computed));
  if (row?.kind === "recurrent") {
    const through = crossRecurrent(row, recurrentRuleOf(choice), context, arriving);
    const contributions = computed.map((index): Contribution => [index, through.inputs.get(index)]);
    return { ...crossed(contributions), others: through.others, chain: through.chain };
  }
  const R = arriving[0];
  if (!R) return crossed([]);
  if (row?.kind === "linear") {
    const rule = linearRuleOf(choice);
    return crossed([[row.input(site), rule(linearLayer(row, settings.strides, context), R, m)]]);
  }
  if (!row) return crossed(computed.slice(0, 1).map((index) => [index, R]));

  const rule = plainRuleOf(choice);
  const { strides } = settings;
  const averaged =
    strides !== "exact" && choice.rule !== "gradient" ? row.averaged?.(site, strides) : undefined;
  const isMoved = moves(row, choice.rule);
  const contributions = computed.map((index): Contribution => {
    const layer = plainLayer(row, index, averaged, context, R);
    const isBeside = context.shares !== undefined && !isOnTheWay(site.node.inputs[index] as string);
    const cross = (relevance: Value): Term =>
      rule(isBeside ? withFiniteInput(layer, m) : layer, relevance, m);
    if (!isMoved) return [index, cross(R)];
    const { x, y } = layer;
    const back = m.moved([{ R, y }], x, ([moving = R]) => cross(moving), keepsAll(row, x, y));
    return [index, back];
  });
  const hasConstants = context.shares !== undefined && row.joins && crossed([]).isExact;
  const constants = parts.flatMap((index) =>
    hasConstants && !computed.includes(index) ? [rule(constantLayer(row, index, context), R, m)] : [],
  );
  return crossed(contributions, constants);
}

/** Whether a node only permutes elements: none are dropped or added. */
const keepsAll = (row: Row, x: Value, y: Value): boolean =>
  row.family === "routing" && !row.joins && !row.border && product(x.shape) === product(y.shape);

function crossSplit(
  row: SplittingRow,
  { site, m }: LayerContext,
  arriving: readonly Term[],
  computed: readonly number[],
): Contribution[] {
  // Outputs of these operators are not optional.
  const outputs = site.outputs as readonly Value[];
  const there = outputs.flatMap((y, i): Moving[] => (arriving[i] ? [{ R: arriving[i], y }] : []));
  const join = (index: number) => (relevance: readonly Value[]) => {
    const given = new Map(there.map(({ y }, i) => [y, relevance[i]]));
    const parts = outputs.map((y) => given.get(y) ?? filled(site.b, 0, y.shape, y));
    return row.pullBackAll(site, parts, index);
  };
  return computed.map((index) => [
    index,
    m.moved(there, site.input(index), (R) => asTranspose(site, () => join(index)(R)), true),
  ]);
}
