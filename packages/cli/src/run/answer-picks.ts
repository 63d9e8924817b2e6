/** Resolves requests in the numbers of a run: targets for another run, and scores. */

import {
  answersOf,
  InputError,
  pickAnswer,
  type DetectionOptions,
  type Explainer,
  type Explanation,
  type FloatArray,
  type Pick,
  type PickRequest,
  type PickSource,
  type RunSource,
} from "@relprop/core";
import {
  pickClass,
  pickDifference,
  pickWeights,
  requireFinite,
  sampleOf,
  zeroTarget,
} from "@relprop/core/internal";
import { boxInPicture, pixelInInput, type PictureFrame } from "@relprop/core/preprocess";
import type { AnswerRequest } from "./answer-requests.ts";
import type { CompileDecision } from "./decide.ts";
import { nameOf, scoreOf, type Score } from "./score.ts";
import { maskWeights } from "./target-mask.ts";

/** The requests, and the settings for resolving them. */
export interface AnswerPlan {
  readonly requests: CompileDecision["requests"];
  readonly against: CompileDecision["against"];
  readonly names: CompileDecision["names"];
  readonly detection: DetectionOptions;
  /** Height and width of the network's input, in pixels. */
  readonly size: readonly [height: number, width: number];
}

/** An answer plan for a batch. */
export interface BatchPlan extends AnswerPlan {
  /** Where each sample's input lies in its picture; empty if the inputs are no pictures. */
  readonly pictures: readonly PictureFrame[];
  /** Whether a class that an earlier request explained is explained again; then each request has an answer in each sample. */
  readonly keepsRepeats?: boolean;
  /** Whether nobody reads the best numbers of each answer. */
  readonly isTopUnread?: boolean;
}

/** What is explained in one sample of a run; undefined if the request selects nothing there. */
export type Picked = { readonly pick: Pick; readonly label?: string } | InputError | undefined;

const ranked = 5;

/** Why an answer cannot be explained at all; undefined if it can. */
export function faultOf({ facts, explained, values }: PickSource, sample: number): InputError | undefined {
  try {
    for (const numbers of [explained, values]) {
      if (numbers) requireFinite(sampleOf(numbers, facts.batchAxis, sample).data, "answer");
    }
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** The answer's best numbers; for a yes-or-no output, both yes and no. */
export function topOf({ names }: AnswerPlan, source: PickSource, sample: number): Score[] {
  if (names.facts.kind === "embedding") return [lengthOf(names, source, sample)];
  return answersOf(source, sample)
    .slice(0, ranked)
    .map((each) => scoreOf(names, each));
}

function lengthOf(names: AnswerPlan["names"], source: PickSource, sample: number): Score {
  const length = Math.hypot(...sampleOf(source.explained, source.facts.batchAxis, sample).data);
  return scoreOf(names, { index: 0, value: length }, "length");
}

/**
 * Resolves a request in each sample; the outer list has one entry per rank of classes. Pixels and boxes are in the
 * pictures' own pixels.
 */
export function picksOf(
  plan: BatchPlan,
  source: RunSource,
  first: { readonly top: Explanation["top"] },
  samples: readonly number[],
  request: AnswerRequest,
  isKnown: (sample: number, index: number) => boolean,
): Picked[][] {
  const { names, against } = plan;
  const each = (pickIn: (sample: number) => Picked): Picked[] =>
    samples.map((sample) => {
      try {
        return pickIn(sample);
      } catch (error) {
        if (error instanceof InputError) return error;
        throw error;
      }
    });
  const classIn = (sample: number, index: number): Picked => {
    if (isKnown(sample, index) || index === against) return undefined;
    const pick = pickClass(source, sample, index);
    return { pick: against === undefined ? pick : pickDifference(pick, pickClass(source, sample, against)) };
  };
  if (request.kind === "top") {
    const ranks = samples.map((sample) =>
      names.facts.kind === "binary" ? answersOf(source, sample) : (first.top[sample] ?? []),
    );
    return Array.from({ length: request.count }, (_, rank) =>
      each((sample) => classIn(sample, ranks[sample]?.[rank]?.index ?? 0)),
    );
  }
  if (request.kind === "class") return [each((sample) => classIn(sample, request.index))];
  if (request.kind === "mask") return [each((sample) => maskPick(plan, source, sample, request))];
  const options = {
    size: plan.size,
    detection: plan.detection,
    nameOf: (index: number) => nameOf(names, index),
  };
  return [
    each((sample) => {
      const picture = plan.pictures[sample];
      const seen =
        picture && request.kind === "pixel" ? { ...request, ...pixelInInput(picture, request) } : request;
      const found = pickAnswer(source, sample, seen, options);
      const pick =
        picture && found.box
          ? { ...found, box: { ...found.box, ...boxInPicture(picture, found.box) } }
          : found;
      const label = labelOf(plan, pick, request);
      return { pick, ...(label !== undefined && { label }) };
    }),
  ];
}

/** The label of a pick that is not a single class. */
function labelOf(
  { names }: AnswerPlan,
  { numbers: { index = 0 } }: Pick,
  request: PickRequest,
): string | undefined {
  switch (request.kind) {
    case "elements":
      return request.text;
    case "pixel":
      return `${nameOf(names, index)} at ${request.x},${request.y}`;
    case "length":
      return "length";
    default:
      return undefined;
  }
}

function maskPick(
  { names }: AnswerPlan,
  source: PickSource,
  sample: number,
  { mask, index, text }: Extract<AnswerRequest, { kind: "mask" }>,
): Picked {
  const { facts } = source;
  const own = sampleOf(source.explained, facts.batchAxis, sample);
  const pick = pickWeights(source, sample, maskWeights(mask, own.dims, facts, index));
  if (pick.elements === 0) {
    throw new InputError({
      what: `cannot explain what "${text}" marks`,
      why: "it marks no part of this answer",
    });
  }
  return { pick, label: index === undefined ? text : `${nameOf(names, index)} in ${text}` };
}

/**
 * A target of zeros. Along an axis of unknown size, a single zero is broadcast.
 * @throws InputError if the target needs the full size of such an axis
 */
export function noTarget({ compiled: { output, facts, settings } }: Explainer, samples: number): FloatArray {
  const open = output.shape.findIndex((dim, axis) => typeof dim === "string" && axis !== facts.batchAxis);
  if (open !== -1 && settings.seed === "one") {
    throw new InputError({
      what: "cannot explain this answer with --seed one",
      where: `output [${output.shape.join(", ")}]`,
      why: `only a run knows the size of axis ${open}`,
      fix: "use --seed logit",
    });
  }
  return zeroTarget(output.shape, facts.batchAxis, samples);
}
