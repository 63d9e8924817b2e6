/** A batch of inputs and the requests -> relevance and scores, one explanation for each run of the network. */

import {
  InputError,
  sourceOf,
  type Detection,
  type Explainer,
  type Explanation,
  type FloatArray,
  type InputArray,
  type Ledger,
  type Pick as PickedPart,
  type PickSource,
  type RunSource,
} from "@relprop/core";
import { eachMap, isYesOrNo, joinedMaps, pickClass, requireFinite, sampleOf } from "@relprop/core/internal";
import { faultOf, noTarget, picksOf, topOf, type BatchPlan, type Picked } from "./answer-picks.ts";
import type { AnswerRequest } from "./answer-requests.ts";
import { isKnown } from "./plan-maps.ts";
import { nameOf, scoreOf, type AnswerScore, type Score } from "./score.ts";

/** One explained part of a sample's answer. */
export interface ExplainedAnswer {
  /** The request; undefined for the whole prediction. */
  readonly request: AnswerRequest | undefined;
  /** Which of the best classes it is, from 0, if the request asks for several. */
  readonly rank: number;
  readonly score: AnswerScore;
  /** Of the first explained input, without the batch axis. */
  readonly relevance: FloatArray;
  /** Of every explained input, by its name. */
  readonly relevances: Readonly<Record<string, FloatArray>>;
  /** The number of output elements that are explained together. */
  readonly elements: number;
  /** ΣR at the start; with `against`, the difference of the two classes. */
  readonly start: number;
  /** The class that this one is compared to. */
  readonly against?: { readonly index: number; readonly label: string };
  /** The ledger, if it was asked for. */
  readonly ledger?: Ledger;
  /** In the picture's own pixels. */
  readonly box?: Detection;
}

/** The result of a sample. */
export interface ExplainedSample {
  /** The five best numbers of the answer, if it is one list. */
  readonly top: readonly Score[];
  /** One answer per request, without duplicate classes; without requests, one for the whole prediction. */
  readonly answers: readonly ExplainedAnswer[];
  /** Why this sample has no answers, though others of the batch have. */
  readonly error?: InputError;
}

const isClass = (kind: string | undefined): boolean => kind === "class" || kind === "top";

/** The model's inputs besides the explained one. */
export interface OtherInputs {
  /** Their values by name. */
  readonly values: Readonly<Record<string, InputArray>>;
  /** Names of those that have no batch axis; the batch has one sample then. */
  readonly shared: ReadonlySet<string>;
}

const noOthers: OtherInputs = { values: {}, shared: new Set() };

/** One run of the network, and what it explains in each sample. */
export interface AnswerRun extends Pick<ExplainedAnswer, "request" | "rank"> {
  /** What is explained in a sample; undefined for nothing, and for a sample that failed. */
  readonly pickIn: (sample: number) => Chosen | undefined;
  readonly explanation: Explanation;
}

/** What is explained of one sample. */
export type Chosen = Omit<Exclude<NonNullable<Picked>, InputError>, "pick"> & {
  readonly pick: Omit<PickedPart, "target">;
};

/** The results of a batch, together: those of one sample are made when they are asked for. */
export class ExplainedBatch {
  /** In the order of the requests. */
  readonly runs: readonly AnswerRun[];
  /** How many samples it has. */
  readonly count: number;
  readonly #of: Parts;

  constructor(of: Parts) {
    this.#of = of;
    this.runs = of.runs;
    this.count = of.errors.length;
  }

  /** Why a sample has no answers, though others have. */
  error(sample: number): InputError | undefined {
    return this.#of.errors[sample];
  }

  /** The score of what a run explains in a sample. */
  score({ label, pick }: Chosen): AnswerScore {
    return scoreOf(this.#of.plan.names, pick.numbers, label);
  }

  /** Relevance of an input as one list, sample by sample. */
  relevance({ explanation }: AnswerRun, input: string): Float32Array {
    const whole = explanation.relevances[input];
    const { batchAxis, shared } = this.#of;
    if (!whole) return new Float32Array(0);
    if (batchAxis === undefined || batchAxis === 0 || shared.has(input)) return whole.data;
    const all = new Float32Array(whole.data.length);
    const size = all.length / this.count;
    for (let sample = 0; sample < this.count; sample++)
      all.set(sampleOf(whole, batchAxis, sample).data, sample * size);
    return all;
  }

  /** What a run explains in a sample; undefined if it explains nothing there. */
  answer(run: AnswerRun, sample: number): ExplainedAnswer | undefined {
    const chosen = run.pickIn(sample);
    return chosen && answerOf(this.#of, run, sample, chosen);
  }

  /** The samples one by one. */
  samples(): ExplainedSample[] {
    return Array.from({ length: this.count }, (_, sample) => this.sample(sample));
  }

  /** All of a sample. */
  sample(sample: number): ExplainedSample {
    const { errors, top } = this.#of;
    const error = errors[sample];
    if (error) return { top: top(sample), answers: [], error };
    const answers = this.runs.map((run) => this.answer(run, sample));
    return { top: top(sample), answers: answers.filter((answer) => answer !== undefined) };
  }
}

/** What a batch's results are made of. */
interface Parts extends Pick<OtherInputs, "shared"> {
  readonly plan: BatchPlan;
  readonly batchAxis: number | undefined;
  readonly runs: readonly AnswerRun[];
  readonly errors: readonly (InputError | undefined)[];
  readonly top: (sample: number) => Score[];
}

/** What a request explains in each sample. */
interface AskedPart extends Pick<AnswerRun, "request" | "rank"> {
  readonly picks: readonly Picked[];
}

/** Runs the network as often as the requests need: once, if it was compiled for so many maps and their targets are known. */
export async function explainBatch(
  explainer: Explainer,
  input: InputArray,
  plan: BatchPlan,
  { values: others, shared }: OtherInputs = noOthers,
): Promise<ExplainedBatch> {
  const { compiled } = explainer;
  const { batchAxis } = compiled;
  const count = batchAxis === undefined ? 1 : (input.dims[batchAxis] ?? 0);
  const samples = Array.from({ length: count }, (_, sample) => sample);
  const { requests, names } = plan;
  const { facts } = names;
  const isRanked = requests === undefined || compiled.settings.target === "top1";
  const opening = isRanked ? undefined : openingTargets(explainer, samples, plan);
  const first = await explainer.explain(
    input,
    opening ? { target: joined(opening, explainer), others } : { others },
  );
  const source = sourceOf(explainer, first);
  const errors = faultsOf(source, samples);
  const runs: AnswerRun[] = [];
  const add = (
    explanation: Explanation,
    { request, rank, picks }: Omit<AskedPart, "picks"> & { readonly picks: readonly (Picked | Chosen)[] },
  ): void => {
    const isFinite = areFinite(Object.values(explanation.relevances));
    for (const [sample, each] of picks.entries()) {
      errors[sample] ??= each instanceof InputError ? each : undefined;
      if (!isFinite && each) errors[sample] ??= faultIn(explanation, { sample, batchAxis, shared });
    }
    const pickIn: AnswerRun["pickIn"] = (sample) => {
      const each = errors[sample] ? undefined : picks[sample];
      return each instanceof InputError ? undefined : each;
    };
    runs.push({ request, rank, explanation, pickIn });
  };
  const maps = eachMap(first, compiled);
  if (!requests) {
    const best = samples.map((sample): Chosen => {
      const [numbers] = first.top[sample] ?? [];
      return numbers && !isYesOrNo(facts)
        ? { pick: { numbers, elements: 1 } }
        : { pick: pickClass(source, sample, numbers?.index ?? 0) };
    });
    add(first, { request: undefined, rank: 0, picks: best });
  } else {
    const parts = partsOf(plan, source, first, samples);
    const targets = parts.map(({ picks }) => stacked(picks, source));
    // Parts without a target explain nothing, and need no map.
    const waiting: number[] = [];
    const made = new Map<number, Explanation>();
    for (const [i, target] of targets.entries()) {
      const known =
        isRanked || !target
          ? maps[isRanked ? i : 0]
          : maps[opening?.findIndex((each) => isSame(target, each)) ?? -1];
      if (known) made.set(i, known);
      else waiting.push(i);
    }
    for (let next = 0; next < waiting.length; next += compiled.maps) {
      const group = waiting.slice(next, next + compiled.maps);
      const target = joined(
        group.map((i) => targets[i] as FloatArray),
        explainer,
      );
      const run = eachMap(await explainer.explain(input, { target, others }), compiled);
      for (const [map, i] of group.entries()) made.set(i, run[map] as Explanation);
    }
    for (const [i, part] of parts.entries()) add(made.get(i) as Explanation, part);
  }
  const isUnread = facts.placeAxes.length > 0 || plan.isTopUnread === true;
  const top = (sample: number): Score[] => (isUnread ? [] : topOf(plan, source, sample));
  return new ExplainedBatch({ plan, batchAxis, shared, runs, errors, top });
}

/** What the requests explain, one part for each rank of classes. A class is explained once in each sample. */
function partsOf(
  plan: BatchPlan,
  source: RunSource,
  first: Pick<Explanation, "top">,
  samples: readonly number[],
): AskedPart[] {
  const parts: AskedPart[] = [];
  const isKnown = (sample: number, index: number): boolean =>
    plan.keepsRepeats !== true &&
    parts.some(({ request, picks }) => {
      const pick = picks[sample];
      return (
        isClass(request?.kind) && pick && !(pick instanceof InputError) && pick.pick.numbers.index === index
      );
    });
  for (const request of plan.requests ?? []) {
    const ranks = picksOf(plan, source, first, samples, request, isKnown);
    for (const [rank, picks] of ranks.entries()) parts.push({ request, rank, picks });
  }
  return parts;
}

const areFinite = (arrays: readonly (FloatArray | undefined)[]): boolean =>
  arrays.every((array) => {
    const data = array?.data ?? [];
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
    return true;
  });

/** Why answers cannot be explained at all, by sample. */
function faultsOf(source: PickSource, samples: readonly number[]): (InputError | undefined)[] {
  const isFinite = areFinite([source.explained, source.values]);
  return samples.map((sample) => (isFinite ? undefined : faultOf(source, sample)));
}

/** Why a sample's relevance cannot be shown; undefined if it can. */
function faultIn({ relevances }: Explanation, place: Place): InputError | undefined {
  try {
    for (const [name, whole] of Object.entries(relevances))
      requireFinite(ownOf(name, whole, place).data, "relevance");
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** Whether two targets are the same. */
export const isSame = (a: FloatArray, c: FloatArray | undefined): boolean =>
  c?.data.length === a.data.length && a.data.every((weight, i) => weight === c.data[i]);

/**
 * The targets of the first run: those of the first requests, as far as they are known before it. If none is, zeros; the
 * requests are then read from the answer.
 */
export function openingTargets(
  explainer: Explainer,
  samples: readonly number[],
  plan: BatchPlan,
): FloatArray[] {
  const none = noTarget(explainer, samples.length);
  const { requests = [], names } = plan;
  const { facts } = names;
  const unknown = requests.findIndex((request) => !isKnown(request, facts));
  const known = unknown === -1 ? requests : requests.slice(0, unknown);
  const before: RunSource = {
    facts: explainer.compiled.facts,
    values: undefined,
    explained: none,
    outputs: {},
  };
  const parts = partsOf({ ...plan, requests: known }, before, { top: [] }, samples);
  const targets = parts.flatMap(({ picks }) => stacked(picks, before) ?? []);
  return targets.length === 0 ? [none] : targets.slice(0, explainer.compiled.maps);
}

/** Targets as one run takes them. */
const joined = (targets: readonly FloatArray[], { compiled: { facts, maps } }: Explainer): FloatArray =>
  joinedMaps(targets, facts.batchAxis ?? 0, maps);

/** Stacks the targets of all samples, with zeros where a sample has none; undefined if no sample has one. */
function stacked(picks: readonly Picked[], { facts, explained }: PickSource): FloatArray | undefined {
  const targets = picks.map((each) => (each && !(each instanceof InputError) ? each.pick.target : undefined));
  if (targets.every((target) => target === undefined)) return undefined;
  const { dims } = explained;
  const data = new Float32Array(explained.data.length);
  const { batchAxis } = facts;
  const stride =
    batchAxis === undefined ? data.length : dims.slice(batchAxis + 1).reduce((product, n) => product * n, 1);
  const count = batchAxis === undefined ? 1 : (dims[batchAxis] ?? 1);
  for (const [sample, target] of targets.entries()) {
    for (const [i, weight] of target?.data.entries() ?? []) {
      if (weight !== 0) data[(Math.floor(i / stride) * count + sample) * stride + (i % stride)] = weight;
    }
  }
  return { data, dims };
}

/** Where a sample is in a run's tensors. */
interface Place extends Pick<OtherInputs, "shared"> {
  readonly sample: number;
  readonly batchAxis: number | undefined;
}

function answerOf(
  { plan: { names, against }, batchAxis, shared }: Parts,
  { request, rank, explanation }: AnswerRun,
  sample: number,
  { pick, label }: Chosen,
): ExplainedAnswer {
  const relevances: Record<string, FloatArray> = {};
  for (const [name, whole] of Object.entries(explanation.relevances))
    relevances[name] = ownOf(name, whole, { sample, batchAxis, shared });
  const ledger = explanation.ledgers?.[sample];
  const isDifference = against !== undefined && isClass(request?.kind);
  return {
    request,
    rank,
    score: scoreOf(names, pick.numbers, label),
    relevance: Object.values(relevances)[0] as FloatArray,
    relevances,
    elements: pick.elements,
    start: explanation.start[sample] ?? 0,
    ...(isDifference && { against: { index: against, label: nameOf(names, against) } }),
    ...(ledger && { ledger }),
    ...(pick.box && { box: pick.box }),
  };
}

/** Relevance of one sample, without the batch axis. */
function ownOf(name: string, whole: FloatArray, { sample, batchAxis, shared }: Place): FloatArray {
  if (shared.has(name)) return whole;
  const { data, dims } = sampleOf(whole, batchAxis, sample);
  return { data, dims: dims.filter((_, axis) => axis !== batchAxis) };
}
