/** What was asked of an answer, found in the numbers of a run: targets for another run, and scores. */

import {
  InputError,
  parseTarget,
  pickBox,
  pickClass,
  pickElements,
  pickWhereWins,
  rankAnswers,
  sampleOf,
  type DetectionOptions,
  type Explainer,
  type Explanation,
  type Pick,
  type PickSource,
  type RankedClass,
} from "relprop";
import type { AnswerRequest } from "./answer-requests.ts";
import type { CompileDecision } from "./decide.ts";
import { nameOf, requireFinite, scoreOf, type Score } from "./score.ts";
import { maskWeights } from "./target-mask.ts";

/** What is asked of each answer. */
export interface AnswerPlan {
  readonly requests: CompileDecision["requests"];
  readonly against: CompileDecision["against"];
  readonly names: CompileDecision["names"];
  readonly detection: DetectionOptions;
  /** Height and width of the picture that the network sees, in pixels. */
  readonly size: readonly [height: number, width: number];
}
/** What was explained in one sample of a run; undefined where this request has nothing there. */
export type Picked = { readonly pick: Pick; readonly label?: string } | InputError | undefined;

const ranked = 5;

/** The numbers of a run, as picks need them, and all outputs. */
export interface RunSource extends PickSource {
  readonly outputs: Explanation["outputs"];
}

export function sourceOf({ compiled }: Explainer, { outputs, explained }: Explanation): RunSource {
  return { facts: compiled.facts, values: outputs[compiled.outputName], explained, outputs };
}

/** Why an answer cannot be explained at all. */
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

/** The answer's best numbers; of a yes-or-no question with one number yes and no. */
export function topOf({ names }: AnswerPlan, source: PickSource, sample: number): Score[] {
  if (names.facts.kind === "embedding") return [lengthOf(names, source, sample)];
  if (names.facts.kind !== "binary") {
    const numbers = rankAnswers(source.facts, source, { sample });
    return numbers.slice(0, ranked).map((each) => scoreOf(names, each));
  }
  const both = [1, 0].map((index) => pickClass(source, sample, index).numbers);
  return both.toSorted((a, c) => (c.logit ?? 0) - (a.logit ?? 0)).map((each) => scoreOf(names, each));
}

function lengthOf(names: AnswerPlan["names"], source: PickSource, sample: number): Score {
  const length = Math.hypot(...sampleOf(source.explained, source.facts.batchAxis, sample).data);
  return scoreOf(names, { index: 0, value: length }, "length");
}

/** What a request is in each sample, a list for each rank of classes. */
export function picksOf(
  plan: AnswerPlan,
  source: RunSource,
  first: Explanation,
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
    return { pick: against === undefined ? pick : difference(pick, pickClass(source, sample, against)) };
  };
  switch (request.kind) {
    case "top": {
      const isBinary = names.facts.kind === "binary";
      return Array.from({ length: request.count }, (_, rank) =>
        each((sample) => classIn(sample, isBinary ? 1 - rank : (first.top[sample]?.[rank]?.index ?? 0))),
      );
    }
    case "class":
      return [each((sample) => classIn(sample, request.index))];
    case "where":
      return [
        each((sample) => ({
          pick: pickWhereWins(source, sample, request.index, nameOf(names, request.index)),
        })),
      ];
    case "elements":
      return [
        each((sample) => ({
          pick: pickElements(source, sample, ownSample(request.text, source)),
          label: request.text,
        })),
      ];
    case "mask":
      return [each((sample) => maskPick(plan, source, sample, request))];
    case "pixel":
      return [each((sample) => pixelPick(plan, source, sample, request))];
    case "length":
      return [each((sample) => ({ pick: lengthPick(source, sample), label: "length" }))];
    case "box":
      return [
        each((sample) => {
          const boxes =
            source.outputs[source.facts.detections?.boxes ?? ""] ?? source.values ?? source.explained;
          const outputs = { scores: source.values ?? source.explained, boxes, size: plan.size };
          const options = {
            ...plan.detection,
            ...(request.index !== undefined && { classIndex: request.index }),
          };
          return { pick: pickBox(source, outputs, sample, request.rank, options) };
        }),
      ];
  }
}

/** A target text is about one picture: an index of the batch's axis, which can only be 0, stands for each of them. */
function ownSample(text: string, { facts, explained }: PickSource): ReturnType<typeof parseTarget> {
  const selection = parseTarget(text);
  const { batchAxis } = facts;
  if (!("regions" in selection) || batchAxis === undefined) return selection;
  return {
    regions: selection.regions.map((region) =>
      region.length === explained.dims.length ? region.with(batchAxis, undefined) : region,
    ),
  };
}

const difference = (a: Pick, c: Pick): Pick => ({
  ...a,
  target: {
    data: a.target.data.map((weight, i) => weight - (c.target.data[i] as number)),
    dims: a.target.dims,
  },
});

function maskPick(
  { names }: AnswerPlan,
  source: PickSource,
  sample: number,
  { mask, index, text }: Extract<AnswerRequest, { kind: "mask" }>,
): Picked {
  const { facts } = source;
  const own = sampleOf(source.explained, facts.batchAxis, sample);
  const target = maskWeights(mask, own.dims, facts, index ?? 0);
  const sum = (numbers: Float32Array): number =>
    target.data.reduce((total, weight, i) => total + weight * (numbers[i] as number), 0);
  const elements = target.data.filter((weight) => weight !== 0).length;
  if (elements === 0) {
    throw new InputError({
      what: `cannot explain what "${text}" marks`,
      why: "it marks nothing of this answer",
    });
  }
  const numbers: Partial<RankedClass> = { index: index ?? 0, value: sum(own.data) };
  const label = index === undefined ? text : `${nameOf(names, index)} in ${text}`;
  return { pick: { target, numbers, elements }, label };
}

/** The place of a map that lies at a pixel of the picture. */
function pixelPick(
  { names, size: [height, width] }: AnswerPlan,
  source: PickSource,
  sample: number,
  { x, y, index }: Extract<AnswerRequest, { kind: "pixel" }>,
): Picked {
  const { facts, explained } = source;
  const [rows, columns] = facts.placeAxes.slice(-2) as [number, number];
  if (facts.placeAxes.length < 2 || x >= width || y >= height) {
    throw new InputError({
      what: `there is no pixel ${x},${y}`,
      why: `the network sees ${width}×${height} pixels, and its answer has the shape [${explained.dims.join(", ")}]`,
    });
  }
  const place = facts.placeAxes.map((axis) => {
    if (axis === rows) return Math.floor((y * (explained.dims[rows] as number)) / height);
    return axis === columns ? Math.floor((x * (explained.dims[columns] as number)) / width) : 0;
  });
  const [best] = rankAnswers(facts, source, { sample, place });
  const chosen = index ?? best?.index ?? 0;
  const pick = pickClass(source, sample, chosen, place);
  return { pick, label: `${nameOf(names, chosen)} at ${x},${y}` };
}

/** The embedding in the direction of itself: what is explained is its length. */
function lengthPick(source: PickSource, sample: number): Pick {
  const { data, dims } = sampleOf(source.explained, source.facts.batchAxis, sample);
  const length = Math.hypot(...data) || 1;
  return {
    target: { data: data.map((number) => number / length), dims },
    numbers: { index: 0, value: length },
    elements: data.length,
  };
}
