/** A batch of images and what is asked of each answer -> relevance and scores, one explanation per image and request. */

import {
  InputError,
  pickClass,
  regionsOf,
  regionTarget,
  requireFinite,
  sourceOf,
  type Detection,
  type Explainer,
  type Explanation,
  type FloatArray,
  type Ledger,
  type PickSource,
} from "@relprop/core";
import {
  faultOf,
  noTarget,
  picksOf,
  topOf,
  type AnswerPlan,
  type BatchPlan,
  type Picked,
} from "../run/answer-picks.ts";
import type { AnswerRequest } from "../run/answer-requests.ts";
import { nameOf, scoreOf, type AnswerScore, type Score } from "../run/score.ts";
import type { RelevanceArray } from "./image-files.ts";

/** One explained part of an image's answer. */
export interface ExplainedAnswer {
  /** What was asked for; undefined for the prediction as a whole. */
  readonly request: AnswerRequest | undefined;
  readonly score: AnswerScore;
  readonly relevance: RelevanceArray;
  /** How many elements of the output are explained together. */
  readonly elements: number;
  /** ΣR that relevance starts with: of a class told apart from another the difference of the two. */
  readonly start: number;
  /** The class that this one was told apart from. */
  readonly against?: { readonly index: number; readonly label: string };
  /** Where its relevance stayed, if account was kept. */
  readonly ledger?: Ledger;
  /** In the picture's own pixels. */
  readonly box?: Detection;
}

/** What came of an image. */
export interface ExplainedImage {
  /** The five best numbers of the answer, if it is one list. */
  readonly top: readonly Score[];
  /** One for each request, each class once; one for the prediction as a whole if nothing was asked for. */
  readonly answers: readonly ExplainedAnswer[];
  /** Why this image has no answers although others have. */
  readonly error?: InputError;
}

const isClass = (kind: string | undefined): boolean => kind === "class" || kind === "top";

/** Runs the network as often as requests need. */
export async function explainBatch(
  explainer: Explainer,
  input: FloatArray,
  plan: BatchPlan,
): Promise<ExplainedImage[]> {
  const samples = Array.from({ length: input.dims[0] ?? 0 }, (_, sample) => sample);
  const { requests, names } = plan;
  const { facts } = names;
  const opening = requests ? openingTarget(explainer, samples.length, plan) : undefined;
  const first = await explainer.explain(input, opening ? { target: opening } : {});
  const source = sourceOf(explainer, first);
  const answers: ExplainedAnswer[][] = samples.map(() => []);
  const errors: (InputError | undefined)[] = samples.map((sample) => faultOf(source, sample));
  const add = (
    explanation: Explanation,
    request: AnswerRequest | undefined,
    picked: readonly Picked[],
  ): void => {
    for (const sample of samples) {
      const each = picked[sample];
      if (each instanceof InputError) errors[sample] ??= each;
      if (errors[sample] || !each || each instanceof InputError) continue;
      try {
        answers[sample]?.push(answerOf(plan, explanation, sample, request, each));
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
    answers[sample]?.some(({ score, request }) => score.index === index && isClass(request?.kind)) === true;
  for (const request of requests ?? []) {
    for (const picks of picksOf(plan, source, first, samples, request, isKnown)) {
      const target = stacked(picks, source);
      const isDone = !target || isSame(target, opening);
      add(isDone ? first : await explainer.explain(input, { target }), request, picks);
    }
  }
  return samples.map((sample) => {
    const error = errors[sample];
    const top = facts.placeAxes.length > 0 ? [] : topOf(plan, source, sample);
    return error ? { top, answers: [], error } : { top, answers: answers[sample] ?? [] };
  });
}

const isSame = (a: FloatArray, c: FloatArray | undefined): boolean =>
  c?.data.length === a.data.length && a.data.every((weight, i) => weight === c.data[i]);

/** What the first run explains: the first class that is named, else nothing; then it is the answer that is looked at. */
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

/** The targets of all samples as one tensor, zeros where there is none; undefined if there is none anywhere. */
function stacked(picks: readonly Picked[], { facts, explained }: PickSource): FloatArray | undefined {
  const targets = picks.map((each) => (each && !(each instanceof InputError) ? each.pick.target : undefined));
  if (targets.every((target) => target === undefined)) return undefined;
  const { dims } = explained;
  const data = new Float32Array(explained.data.length);
  const { batchAxis } = facts;
  const stride =
    batchAxis === undefined ? data.length : dims.slice(batchAxis + 1).reduce((product, n) => product * n, 1);
  const count = batchAxis === undefined ? 1 : (dims[batchAxis] as number);
  for (const [sample, target] of targets.entries()) {
    for (const [i, weight] of target?.data.entries() ?? []) {
      if (weight !== 0) data[(Math.floor(i / stride) * count + sample) * stride + (i % stride)] = weight;
    }
  }
  return { data, dims };
}

function answerOf(
  { names, against }: AnswerPlan,
  explanation: Explanation,
  sample: number,
  request: AnswerRequest | undefined,
  { pick, label }: Exclude<NonNullable<Picked>, InputError>,
): ExplainedAnswer {
  const relevance = sampleOfFirst(explanation.relevance, sample);
  requireFinite(relevance.data, "relevance");
  const ledger = explanation.ledgers?.[sample];
  const isDifference = against !== undefined && (request?.kind === "top" || request?.kind === "class");
  return {
    request,
    score: scoreOf(names, pick.numbers, label),
    relevance,
    elements: pick.elements,
    start: explanation.start[sample] as number,
    ...(isDifference && { against: { index: against, label: nameOf(names, against) } }),
    ...(ledger && { ledger }),
    ...(pick.box && { box: pick.box }),
  };
}

/** One sample of relevance [N, …], a view. */
function sampleOfFirst({ data, dims }: FloatArray, sample: number): RelevanceArray {
  const inner = dims.slice(1);
  const size = inner.reduce((product, dim) => product * dim, 1);
  return { data: data.subarray(sample * size, (sample + 1) * size), dims: inner };
}
