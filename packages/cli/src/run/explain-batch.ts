/** A batch of inputs and the requests -> relevance and scores, one explanation per sample and request. */

import {
  InputError,
  regionsOf,
  regionTarget,
  sourceOf,
  type Detection,
  type Explainer,
  type Explanation,
  type FloatArray,
  type InputArray,
  type Ledger,
  type PickSource,
} from "@relprop/core";
import { pickClass, requireFinite, sampleOf } from "@relprop/core/internal";
import {
  faultOf,
  noTarget,
  picksOf,
  topOf,
  type AnswerPlan,
  type BatchPlan,
  type Picked,
} from "./answer-picks.ts";
import type { AnswerRequest } from "./answer-requests.ts";
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

/** Runs the network as often as the requests need. */
export async function explainBatch(
  explainer: Explainer,
  input: InputArray,
  plan: BatchPlan,
  { values: others, shared }: OtherInputs = noOthers,
): Promise<ExplainedSample[]> {
  const { batchAxis } = explainer.compiled;
  const count = batchAxis === undefined ? 1 : (input.dims[batchAxis] ?? 0);
  const samples = Array.from({ length: count }, (_, sample) => sample);
  const { requests, names } = plan;
  const { facts } = names;
  const opening = requests ? openingTarget(explainer, samples.length, plan) : undefined;
  const first = await explainer.explain(input, opening ? { target: opening, others } : { others });
  const source = sourceOf(explainer, first);
  const answers: ExplainedAnswer[][] = samples.map(() => []);
  const errors: (InputError | undefined)[] = samples.map((sample) => faultOf(source, sample));
  const add = (
    explanation: Explanation,
    request: AnswerRequest | undefined,
    picked: readonly Picked[],
    rank = 0,
  ): void => {
    for (const sample of samples) {
      const each = picked[sample];
      if (each instanceof InputError) errors[sample] ??= each;
      if (errors[sample] || !each || each instanceof InputError) continue;
      try {
        answers[sample]?.push(
          answerOf(plan, explanation, { sample, batchAxis, shared }, { request, rank }, each),
        );
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        errors[sample] ??= error;
      }
    }
  };
  if (!requests) {
    const best = samples.map((sample): Picked => ({
      pick: pickClass(source, sample, first.top[sample]?.[0]?.index ?? 0),
    }));
    add(first, undefined, best);
  }
  const isKnown = (sample: number, index: number): boolean =>
    plan.keepsRepeats !== true &&
    answers[sample]?.some(({ score, request }) => score.index === index && isClass(request?.kind)) === true;
  for (const request of requests ?? []) {
    for (const [rank, picks] of picksOf(plan, source, first, samples, request, isKnown).entries()) {
      const target = stacked(picks, source);
      const isDone = !target || isSame(target, opening);
      add(isDone ? first : await explainer.explain(input, { target, others }), request, picks, rank);
    }
  }
  return samples.map((sample) => {
    const error = errors[sample];
    const top = facts.placeAxes.length > 0 || plan.isTopUnread === true ? [] : topOf(plan, source, sample);
    return error ? { top, answers: [], error } : { top, answers: answers[sample] ?? [] };
  });
}

const isSame = (a: FloatArray, c: FloatArray | undefined): boolean =>
  c?.data.length === a.data.length && a.data.every((weight, i) => weight === c.data[i]);

/** The target of the first run: the first named class, else zeros; the requests are then read from its answer. */
function openingTarget(
  explainer: Explainer,
  samples: number,
  { requests, names: { facts }, against }: AnswerPlan,
): FloatArray {
  const target = noTarget(explainer, samples);
  const [first] = requests ?? [];
  const count = facts.shape[facts.classAxis ?? -1];
  const isList = facts.placeAxes.length === 0 && typeof count === "number" && facts.kind !== "binary";
  if (first?.kind !== "class" || !isList || first.index === against) return target;
  const weights = (index: number, weight: number): void => {
    const { data } = regionTarget(target.dims, regionsOf({ classIndex: index }, target.dims, facts));
    for (const [i, isIn] of data.entries()) if (isIn) target.data[i] = weight;
  };
  weights(first.index, 1);
  if (against !== undefined) weights(against, -1);
  return target;
}

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
  { names, against }: AnswerPlan,
  explanation: Explanation,
  { sample, batchAxis, shared }: Place,
  asked: Pick<ExplainedAnswer, "request" | "rank">,
  { pick, label }: Exclude<NonNullable<Picked>, InputError>,
): ExplainedAnswer {
  const relevances: Record<string, FloatArray> = {};
  for (const [name, whole] of Object.entries(explanation.relevances)) {
    const relevance = shared.has(name) ? whole : withoutBatch(sampleOf(whole, batchAxis, sample), batchAxis);
    requireFinite(relevance.data, "relevance");
    relevances[name] = relevance;
  }
  const ledger = explanation.ledgers?.[sample];
  const isDifference = against !== undefined && isClass(asked.request?.kind);
  return {
    ...asked,
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

const withoutBatch = ({ data, dims }: FloatArray, batchAxis: number | undefined): FloatArray => ({
  data,
  dims: dims.filter((_, axis) => axis !== batchAxis),
});
