/** Runs a model for metrics: its answer to one sample, to changed ones, and its maps. */

import { answersOf, type RunSource } from "../answers/pick-answer.ts";
import { pickClass, sampleOf, type Pick } from "../answers/picks.ts";
import { uniformNumbers } from "../random.ts";
import type { AnswerSession } from "../run/answer-session.ts";
import type { Explainer } from "../run/explainer.ts";
import type { FloatArray, InputArray } from "../run/float-array.ts";
import { answerNumber } from "./answer-number.ts";
import { batchScores } from "./batch-scores.ts";
import { layoutOf, mapOf } from "./layout.ts";
import type { MapSource, Subject } from "./measurement.ts";
import { requireShares } from "./removal.ts";

/** Values of inputs by name. */
export type OtherInputs = Readonly<Record<string, InputArray>>;

/** One sample, the model's answer to it, and which part of that is watched. */
export interface Answered {
  /** [1, …]. */
  readonly input: FloatArray;
  /** The model's answer. */
  readonly source: RunSource;
  /** What of it is watched. */
  readonly pick: Pick;
  /** The sample's values of the model's other inputs, each [1, …]. */
  readonly others?: OtherInputs;
}

/** The answer to one sample. @param input [1, …] */
export function answerOne(
  session: AnswerSession,
  input: FloatArray,
  others: OtherInputs = {},
): Promise<RunSource> {
  const count = session.fixedBatch ?? 1;
  return session.answer(repeated(input, count), allRepeated(others, count));
}

/** Explainers that are made when they are first asked for, and kept. */
export class KeptExplainers {
  readonly #make: (share: number) => Promise<Explainer>;
  readonly #made = new Map<number, Promise<Explainer>>();

  /** @param make an explainer of the network with random weights in a share of its layers */
  constructor(make: (share: number) => Promise<Explainer>) {
    this.#make = make;
  }

  /** The explainer of a share. */
  async of(share: number): Promise<Explainer> {
    const made = this.#made.get(share) ?? this.#make(share);
    this.#made.set(share, made);
    return made;
  }

  /** Frees all. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#made.values()].map(async (each) => (await each).dispose()));
  }
}

/**
 * What metrics need to know of a sample.
 * @param batch how many changed inputs run at once, unless the model fixes it
 * @throws InputError if the answer is a probability of about 0
 */
export function subjectOf(
  session: AnswerSession,
  { input: { data, dims }, source, pick, others = {} }: Answered,
  batch: number,
  about: Omit<Subject, "input" | "layout" | "answer" | "scores">,
): Subject {
  const answer = answerNumber(source, pick);
  requireShares(answer);
  const { fixedBatch } = session;
  const scores = batchScores(
    (changed) => session.answer(changed, allRepeated(others, changed.dims[0] ?? 1)),
    answer,
    {
      dims,
      batch: fixedBatch ?? batch,
      isFixed: fixedBatch !== undefined,
    },
  );
  return { ...about, input: data, layout: layoutOf(dims), answer, scores };
}

/**
 * The map of a sample, and how it is explained again.
 * @param randomly an explainer of the network with random weights in a share of its layers
 */
export async function mapSource(
  explainer: Explainer,
  { input, source, pick, others = {} }: Answered,
  randomly?: (share: number) => Promise<Explainer>,
): Promise<MapSource> {
  const { compiled } = explainer;
  const layout = layoutOf(input.dims);
  const size = compiled.input.shape[compiled.batchAxis ?? -1];
  const count = typeof size === "number" ? size : 1;
  const explain = async (data: Float32Array, target: FloatArray, by = explainer): Promise<Float32Array> => {
    const { relevance } = await by.explain(repeated({ data, dims: input.dims }, count), {
      target: repeated(target, count),
      others: allRepeated(others, count),
    });
    return mapOf(sampleOf(relevance, compiled.batchAxis, 0).data, layout);
  };
  return {
    map: await explain(input.data, pick.target),
    explain: (data) => explain(data, pick.target),
    ...(randomly && {
      explainRandomized: async (share: number) => explain(input.data, pick.target, await randomly(share)),
    }),
    explainOther: async (seed) => {
      const other = otherClass(source, pick, seed);
      return other === undefined ? undefined : explain(input.data, pickClass(source, 0, other).target);
    },
  };
}

/** Another class, drawn at random; undefined where there is none. */
function otherClass(source: RunSource, { numbers: { index } }: Pick, seed: number): number | undefined {
  const others = answersOf(source, 0).filter((each) => each.index !== index);
  return others[Math.floor(uniformNumbers(seed)() * others.length)]?.index;
}

/** So many copies of a sample. */
function repeated<Given extends InputArray>({ data, dims }: Given, count: number): Given {
  if (count === 1) return { data, dims } as Given;
  const Numbers = data.constructor as new (length: number) => Float32Array;
  const copies = new Numbers(count * data.length);
  for (let copy = 0; copy < count; copy++) copies.set(data as Float32Array, copy * data.length);
  return { data: copies as InputArray["data"], dims: [count, ...dims.slice(1)] } as InputArray as Given;
}

const allRepeated = (others: OtherInputs, count: number): OtherInputs =>
  Object.fromEntries(Object.entries(others).map(([name, value]) => [name, repeated(value, count)]));
