/** Resolves what a target means in a model's answer, and reads the answer's numbers. */

import {
  AnswerSession,
  answersOf,
  OptionError,
  pickAnswer,
  usualTarget,
  type AnswerReading,
  type CompileOptions,
  type Explanation,
  type FloatArray,
  type OutputFacts,
  type Pick as AnswerPick,
  type PickRequest,
  type RankedClass,
  type RunOptions,
  type RunSource,
} from "@relprop/core";
import { pickClass, pickDifference, sampleOf, zeroTarget } from "@relprop/core/internal";
import type { Model } from "@relprop/core/onnx";
import type { ModelCard } from "@relprop/core/zoo";
import type { AnswerNumbers, Explained, ExplainRequest, Target } from "./engine.ts";
import { startOf, type TargetStart } from "./explain-options.ts";
import type { RunnerOptions } from "./runner-options.ts";
import { hasTarget } from "./target-kinds.ts";

/** A model, and the settings that all its answers share. */
export interface AnswerSource extends RunnerOptions {
  readonly model: Model;
  readonly card: ModelCard;
  /** What its output is, and the composite that fits the network. */
  readonly reading: AnswerReading;
  /** The names of its numbers, by index. */
  readonly names: readonly string[];
  /** Options of every compilation. */
  readonly options: CompileOptions;
}

/** What a request means for one run. */
export interface Asked extends TargetStart {
  /** Whether the length of an embedding is explained. */
  readonly isLength: boolean;
  readonly run: Pick<RunOptions, "target" | "keep">;
  /** Finds what is explained in a run's numbers. */
  readonly pick: (source: RunSource) => AnswerPick;
}

/** Runs the model forward where a target has to be found in the answer. The session is created on first use. */
export class AnswerReader {
  readonly #source: AnswerSource;
  #session: AnswerSession | undefined;

  constructor(source: AnswerSource) {
    this.#source = source;
  }

  get facts(): OutputFacts {
    return this.#source.reading.facts;
  }

  /** Runs the model on preprocessed pictures. */
  answer(input: FloatArray): Promise<RunSource> {
    const { ort, sessionOptions, model, options } = this.#source;
    this.#session ??= new AnswerSession({
      ...options,
      composite: "gradient",
      seed: "logit",
      ort,
      ...(sessionOptions && { sessionOptions }),
      model,
    });
    return this.#session.answer(input);
  }

  /**
   * Resolves what a request explains in a picture.
   * @throws OptionError if the target must be named, or the model has no such target; InputError if the answer has none
   */
  async asked(request: Omit<ExplainRequest, "picture">, input: FloatArray): Promise<Asked> {
    const { target, keep } = request;
    const start = startOf(this.#source.reading, request);
    const { isWhole } = start;
    if (isWhole || start.options.target === "top1") {
      return { ...start, isLength: false, run: { keep }, pick: pickBest };
    }
    const pick = this.#pickOf(target);
    const known = this.#isKnownBefore(target) ? undefined : await this.answer(input);
    const found = known && pick(known);
    const weights = found?.target ?? pick(this.#zeroAnswer(input)).target;
    const isLength = target.kind === "prediction" && this.#usual() === "length";
    return { ...start, isLength, run: { keep, target: weights }, pick: found ? () => found : pick };
  }

  /** Scores each input by the sum of the elements that the target selects in the reference's answer. */
  async scores(
    answers: readonly FloatArray[],
    target: Target,
    composite: ExplainRequest["composite"],
    reference: FloatArray,
  ): Promise<Float32Array> {
    const { isWhole, pick } = await this.asked({ target, composite, keep: 0 }, reference);
    const answer = await this.answer(reference);
    const weights = isWhole ? this.#probabilities(answer) : pick(answer).target.data;
    const scores: number[] = [];
    for (const input of answers) {
      const { explained, facts } = await this.answer(input);
      for (let sample = 0; sample < (input.dims[0] ?? 0); sample++) {
        const { data } = sampleOf(explained, facts.batchAxis, sample);
        scores.push(data.reduce((sum, number, i) => sum + number * (weights[i] ?? 0), 0));
      }
    }
    return Float32Array.from(scores);
  }

  async dispose(): Promise<void> {
    await this.#session?.dispose();
    this.#session = undefined;
  }

  /** Whether a target's weights do not depend on the answer. */
  #isKnownBefore({ kind }: Target): boolean {
    return kind === "class" || kind === "contrast" || (kind === "prediction" && this.#usual() === "value");
  }

  #usual(): ReturnType<typeof usualTarget> {
    return usualTarget(this.facts, false);
  }

  #pickOf(target: Target): (source: RunSource) => AnswerPick {
    const { card, names } = this.#source;
    const { kind } = this.facts;
    const size = card.input.size;
    const nameOf = (index: number): string => names[index] ?? String(index);
    const pick = (request: PickRequest) => (source: RunSource) =>
      pickAnswer(source, 0, request, { size, nameOf });
    if (target.kind === "prediction") return pick(this.#usualRequest());
    const named = [
      "index" in target ? target.index : undefined,
      target.kind === "contrast" ? target.against : undefined,
    ].find((index) => index !== undefined && index >= names.length);
    if (!hasTarget(this.facts, target.kind)) {
      throw new OptionError({
        what: "cannot explain this target",
        why: `this model's output is read as ${kind}: ${this.facts.why}`,
        fix: "choose what it has",
      });
    }
    if (named !== undefined) {
      throw new OptionError({
        what: `there is no class ${named}`,
        why: `the model has the classes 0 to ${names.length - 1}`,
      });
    }
    if (target.kind !== "contrast") return pick(target);
    const [one, other] = [target.index, target.against].map((index) => pick({ kind: "class", index }));
    return (source) => pickDifference((one as typeof other & {})(source), (other as typeof one & {})(source));
  }

  #usualRequest(): PickRequest {
    const usual = this.#usual();
    if (usual === "length") return { kind: "length" };
    if (usual === "value") return { kind: "class", index: this.facts.kind === "binary" ? 1 : 0 };
    throw new OptionError({
      what: "cannot tell what to explain",
      why: `this model's output is read as ${this.facts.kind}: ${this.facts.why}`,
      fix: "choose it",
    });
  }

  /** An answer of zeros: it gives the weights of targets that do not depend on the answer. */
  #zeroAnswer(input: FloatArray): RunSource {
    const { facts } = this;
    const explained = zeroTarget(facts.shape, facts.batchAxis, input.dims[0] ?? 1);
    return { facts, values: undefined, explained, outputs: {} };
  }

  #probabilities(source: RunSource): number[] {
    const weights: number[] = [];
    for (const { index, probability = 0 } of answersOf(source, 0)) weights[index] = probability;
    return weights;
  }
}

const pickBest = (source: RunSource): AnswerPick => pickClass(source, 0, answersOf(source, 0)[0]?.index ?? 0);

/** The numbers of an answer by index. */
export function numbersOf(source: RunSource): AnswerNumbers {
  const all = answersOf(source, 0);
  const column = (key: "value" | "logit" | "probability"): Float32Array | undefined => {
    const numbers = new Float32Array(all.length);
    for (const { index, [key]: number } of all) {
      if (number === undefined) return undefined;
      numbers[index] = number;
    }
    return all.length === 0 ? undefined : numbers;
  };
  const values = column("value");
  const logits = column("logit");
  const probabilities = column("probability");
  return { ...(values && { values }), ...(logits && { logits }), ...(probabilities && { probabilities }) };
}

/** The best numbers of an answer, in order. */
export const topOf = (source: RunSource, count: number): RankedClass[] =>
  answersOf(source, 0).slice(0, count);

/** Describes what was explained of an answer. */
export function explainedOf(
  { isWhole, isLength, pick }: Asked,
  source: RunSource,
  { start }: Explanation,
): Explained {
  const { numbers, elements, box } = pick(source);
  return { isWhole, isLength, numbers, elements, start: start[0] ?? 0, ...(box && { box }) };
}
