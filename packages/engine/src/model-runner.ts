/** A model, its explainers and its answers on any ONNX Runtime: the part of an engine that needs no browser. */

import {
  chooseExplanation,
  compile,
  Explainer,
  readAnswer,
  sourceOf,
  type CompositeName,
  type Explanation,
  type OutputFacts,
  type RunSource,
} from "@relprop/core";
import { answerName, fittingLabels, isYesOrNo, namedCount, requireFinite } from "@relprop/core/internal";
import type { Model } from "@relprop/core/onnx";
import { preprocess } from "@relprop/core/preprocess";
import { AnswerReader, explainedOf, numbersOf, topOf, type Asked } from "./answer-reader.ts";
import type {
  AnswerNumbers,
  ExplainRequest,
  ExplainResult,
  LayerRequest,
  LayerResult,
  LedgerResult,
  LoadedModel,
  Picture,
  ScoreRequest,
} from "./engine.ts";
import { compositeOptions, modelOptions, pictureInput, refuseOtherInputs } from "./explain-options.ts";
import type { LayerRunner, LayerSource } from "./layer-runner.ts";
import { BestMaps } from "./best-maps.ts";
import { rankedClasses } from "./rank.ts";
import type { ReadSource } from "./read-source.ts";
import type { RunnerOptions } from "./runner-options.ts";

/** Above this many bytes of weights, two explainers are kept at a time instead of six. */
const largeModel = 16e6;
const batch = 32;

/**
 * Explains and answers with one model. The caller starts one run at a time (`inTurn`), since ONNX Runtime's WebGPU back
 * end does not allow two. A new composite, kind of target or filter setting creates a session; the latest sessions are
 * ones are kept.
 */
export class ModelRunner {
  readonly loaded: LoadedModel;
  readonly #model: Model;
  readonly #options: RunnerOptions;
  readonly #compile: ReturnType<typeof modelOptions>;
  readonly #kept: number;
  readonly #explainers = new Map<string, Explainer>();
  readonly #answers: AnswerReader;
  readonly #inside: LayerSource;
  readonly #best: BestMaps;
  #layers: Promise<LayerRunner> | undefined;

  /**
   * Compiles the model once to find out what can be explained.
   * @param mostWeightsForMaps up to how many bytes of weights it has one more session, for the maps of several classes at once
   * @throws UnexplainableError listing every blocking node; OptionError if the model needs more than a picture
   */
  constructor(
    name: string,
    { model, card, guesses }: ReadSource,
    options: RunnerOptions,
    mostWeightsForMaps = largeModel,
  ) {
    refuseOtherInputs(model, pictureInput(model).name);
    const common = modelOptions(model, card);
    const reading = readAnswer(model, common);
    const usual = { composite: card.composite, topK: card.topK };
    const { composite, seed } = chooseExplanation(reading, { isTarget: false, usual });
    const { plan, input } = compile(model, {
      ...common,
      ...compositeOptions(card, composite as CompositeName),
      seed,
      target: "input",
    });
    const classes = countOf(reading.facts, card.labels.length);
    this.#model = model;
    this.#options = options;
    this.#compile = common;
    const weightBytes = weightBytesOf(model);
    this.#kept = weightBytes > largeModel ? 2 : 6;
    const names = namesOf(reading.facts, card.labels, classes);
    const source = { ...options, model, card, reading, names, options: common };
    this.#answers = new AnswerReader(source);
    this.#best = new BestMaps({
      reading,
      runner: options,
      isLarge: weightBytes > mostWeightsForMaps,
      options: (composite) => ({ model, ...common, ...compositeOptions(card, composite) }),
    });
    this.#inside = { ...source, answers: this.#answers, input, weightBytes };
    this.loaded = {
      name,
      card,
      guesses,
      classes,
      names,
      facts: reading.facts,
      size: card.input.size,
      plan,
      composite: reading.composite,
    };
  }

  async explain(request: ExplainRequest): Promise<ExplainResult> {
    const input = preprocess([request.picture], this.loaded.card.input);
    const asked = await this.#answers.asked(request, input);
    const explainer = await this.#explainer(request, asked);
    const begin = performance.now();
    const explanation = await explainer.explain(input, asked.run);
    const milliseconds = performance.now() - begin;
    return this.#result(asked, sourceOf(explainer, explanation), explanation, milliseconds);
  }

  /** The maps of the best classes, from one pass; none where that is not possible. */
  async explainBest(request: ExplainRequest): Promise<ExplainResult[]> {
    const input = preprocess([request.picture], this.loaded.card.input);
    const begin = performance.now();
    const maps = await this.#best.of(request, input);
    const milliseconds = performance.now() - begin;
    const results: ExplainResult[] = [];
    for (const { ranked, source, explanation } of maps) {
      const asked = await this.#answers.asked(
        { ...request, target: { kind: "class", index: ranked.index } },
        input,
      );
      results.push(this.#result(asked, source, explanation, milliseconds));
    }
    return results;
  }

  /** @throws InputError if a number is not finite */
  #result(asked: Asked, source: RunSource, explanation: Explanation, milliseconds: number): ExplainResult {
    requireFinite(explanation.explained.data, "answer");
    requireFinite(explanation.relevance.data, "relevance");
    const [height, width] = this.loaded.card.input.size;
    return {
      relevance: { data: Float32Array.from(explanation.relevance.data), height, width },
      explained: explainedOf(asked, source, explanation),
      numbers: numbersOf(source),
      top: topOf(source, rankedClasses),
      milliseconds,
    };
  }

  /** A picture's numbers, without relevance. */
  async answer(picture: Picture): Promise<AnswerNumbers> {
    return numbersOf(await this.#answers.answer(preprocess([picture], this.loaded.card.input)));
  }

  /** The explained sum for each picture; runs in batches if the model's batch axis is open. */
  async scores({ pictures, target, reference }: ScoreRequest): Promise<Float32Array> {
    const { card, composite, facts } = this.loaded;
    const isBatched = facts.batchAxis === 0 && typeof pictureInput(this.#model).shape[0] === "string";
    const step = isBatched ? batch : 1;
    const inputs = Array.from({ length: Math.ceil(pictures.length / step) }, (_, i) =>
      preprocess(pictures.slice(i * step, (i + 1) * step), card.input),
    );
    return this.#answers.scores(inputs, target, composite, preprocess([reference], card.input));
  }

  /** The ledger: where relevance stayed, node by node. */
  async ledger(request: ExplainRequest): Promise<LedgerResult> {
    return (await this.#layerRunner()).ledger(request);
  }

  /** Relevance at a layer. @throws OptionError if relevance cannot stop there */
  async layer(request: LayerRequest): Promise<LayerResult> {
    return (await this.#layerRunner()).layer(request);
  }

  async dispose(): Promise<void> {
    await (await this.#layers)?.dispose();
    await this.#best.dispose();
    for (const explainer of this.#explainers.values()) await explainer.dispose();
    this.#explainers.clear();
    await this.#answers.dispose();
  }

  /** Loads the code for layers on first use. */
  #layerRunner(): Promise<LayerRunner> {
    this.#layers ??= import("./layer-runner.ts").then(({ LayerRunner }) => new LayerRunner(this.#inside));
    return this.#layers;
  }

  async #explainer({ composite }: ExplainRequest, { options }: Asked): Promise<Explainer> {
    const key = JSON.stringify([composite, options]);
    const known = this.#explainers.get(key);
    if (known) {
      this.#explainers.delete(key);
      this.#explainers.set(key, known);
      return known;
    }
    for (const [oldest, explainer] of this.#explainers) {
      if (this.#explainers.size < this.#kept) break;
      this.#explainers.delete(oldest);
      await explainer.dispose();
    }
    const made = new Explainer({
      ...this.#options,
      model: this.#model,
      ...this.#compile,
      ...compositeOptions(this.loaded.card, composite),
      ...options,
    });
    await made.ready();
    this.#explainers.set(key, made);
    return made;
  }
}

/** How many numbers of an answer have names. @param known number of class names */
function countOf(facts: OutputFacts, known: number): number {
  if (isYesOrNo(facts)) return 2;
  if (facts.kind === "embedding") return 0;
  return namedCount(facts) ?? (facts.detections ? known : 0);
}

function namesOf(facts: OutputFacts, all: readonly string[], count: number): string[] {
  const labels = fittingLabels(facts, all, count) ?? [];
  return Array.from({ length: count }, (_, index) => answerName({ facts, labels, count }, index));
}

const weightBytesOf = (model: Model): number =>
  [...model.graph.initializers.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
