/** A model, its explainers and its classifier on any ONNX Runtime: the part of an engine that needs no browser. */

import type { InferenceSession } from "onnxruntime-common";
import {
  compile,
  Explainer,
  InputError,
  OptionError,
  rankClasses,
  suggestComposite,
  withWeights,
  type Compiled,
  type CompositeName,
  type Runtime,
  type Session,
} from "relprop";
import { externalView, type Model } from "relprop/onnx";
import { preprocess } from "relprop/preprocess";
import type {
  ExplainRequest,
  ExplainResult,
  LayerRequest,
  LayerResult,
  LedgerResult,
  LoadedModel,
  Picture,
} from "./engine.ts";
import { compileOptions, pictureInput, runOptions, seedOptions } from "./explain-options.ts";
import { LayerRunner } from "./layer-runner.ts";
import { rankedClasses } from "./rank.ts";
import type { ReadSource } from "./read-source.ts";

/** What runs the sessions. */
export interface RunnerOptions {
  readonly ort: Runtime;
  readonly sessionOptions?: InferenceSession.SessionOptions;
}

/** Bytes of weights above which only two explainers are kept at a time, instead of six. */
const largeModel = 16e6;
const classifyBatch = 32;

/**
 * Explains and classifies with one model. Runs are queued: ONNX Runtime's WebGPU back end must not run two at a time.
 * A new composite, kind of target or switched filter makes a new session; the last ones are kept.
 */
export class ModelRunner {
  readonly loaded: LoadedModel;
  readonly #model: Model;
  readonly #options: RunnerOptions;
  readonly #output: string;
  readonly #kept: number;
  readonly #explainers = new Map<string, Explainer>();
  readonly #layers: LayerRunner;
  #classifier: Promise<Session> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Compiles the model once, to see what can be explained.
   * @throws UnexplainableError listing every node that stands in the way; OptionError if it is no classifier of pictures
   */
  constructor(name: string, { model, card, guesses }: ReadSource, options: RunnerOptions) {
    const composite = (card.composite as CompositeName | undefined) ?? suggestComposite(model);
    const compiled = compile(model, {
      ...compileOptions(model, card, composite),
      ...(card.output === undefined ? {} : { output: card.output }),
      seed: "softmax",
    });
    const classes = classCount(compiled);
    this.#output = compiled.output.name;
    this.#model = withLogits(model, compiled);
    this.#options = options;
    const weightBytes = weightBytesOf(model);
    this.#kept = weightBytes > largeModel ? 2 : 6;
    const { input } = compiled;
    this.#layers = new LayerRunner({
      ...options,
      model: this.#model,
      output: compiled.output.name,
      input,
      card,
      classes,
      weightBytes,
    });
    this.loaded = { name, card, guesses, classes, size: card.input.size, plan: compiled.plan, composite };
  }

  explain(request: ExplainRequest): Promise<ExplainResult> {
    return this.#enqueue(() => this.#explain(request));
  }

  /** The logits of each picture; runs in batches where the model has a batch axis of any size. */
  classify(pictures: readonly Picture[]): Promise<readonly Float32Array[]> {
    return this.#enqueue(() => this.#classify(pictures));
  }

  /** Where relevance stayed, node by node. */
  ledger(request: ExplainRequest): Promise<LedgerResult> {
    return this.#enqueue(() => this.#layers.ledger(request));
  }

  /** Relevance at a layer. @throws OptionError if relevance cannot stop there */
  layer(request: LayerRequest): Promise<LayerResult> {
    return this.#enqueue(() => this.#layers.layer(request));
  }

  async dispose(): Promise<void> {
    await this.#queue;
    await this.#layers.dispose();
    for (const explainer of this.#explainers.values()) await explainer.dispose();
    this.#explainers.clear();
    await (await this.#classifier)?.release();
    this.#classifier = undefined;
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const job = this.#queue.then(work);
    this.#queue = job.catch(() => undefined);
    return job;
  }

  async #explain(request: ExplainRequest): Promise<ExplainResult> {
    const { card, classes } = this.loaded;
    const input = preprocess([request.picture], card.input);
    const explainer = await this.#explainer(request);
    const begin = performance.now();
    const { relevance, outputs } = await explainer.explain(input, runOptions(request, classes));
    const milliseconds = performance.now() - begin;
    const logits = outputs[this.#output]?.data;
    if (!logits)
      throw new InputError({ what: "cannot read the classes", why: "the output holds no float32" });
    const [height, width] = card.input.size;
    return {
      relevance: { data: Float32Array.from(relevance.data), height, width },
      logits: Float32Array.from(logits),
      top: rankClasses(logits, rankedClasses),
      milliseconds,
    };
  }

  async #explainer(request: ExplainRequest): Promise<Explainer> {
    const { composite } = request;
    const { seed, topK } = seedOptions(request);
    const key = `${composite} ${seed} ${topK}`;
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
      ...compileOptions(this.#model, this.loaded.card, composite),
      output: this.#output,
      ...seedOptions(request),
    });
    await made.ready();
    this.#explainers.set(key, made);
    return made;
  }

  async #classify(pictures: readonly Picture[]): Promise<readonly Float32Array[]> {
    const { card, classes } = this.loaded;
    this.#classifier ??= this.#makeClassifier();
    const session = await this.#classifier;
    const input = pictureInput(this.#model);
    const isBatched = typeof input.shape[0] === "string";
    const step = isBatched ? classifyBatch : 1;
    const all: Float32Array[] = [];
    for (let start = 0; start < pictures.length; start += step) {
      const { data, dims } = preprocess(pictures.slice(start, start + step), card.input);
      const feeds = { [input.name]: new this.#options.ort.Tensor("float32", data, dims) };
      const results = await session.run(feeds, [this.#output]);
      const logits = results[this.#output]?.data as Float32Array;
      for (let at = 0; at < logits.length; at += classes) all.push(logits.slice(at, at + classes));
    }
    return all;
  }

  #makeClassifier(): Promise<Session> {
    const view = externalView(this.#model);
    const { ort, sessionOptions } = this.#options;
    return ort.InferenceSession.create(view.bytes, withWeights(view, sessionOptions));
  }
}

function classCount({ output }: Compiled): number {
  const [, classes] = output.shape;
  if (output.shape.length === 2 && typeof classes === "number") return classes;
  throw new OptionError({
    what: "cannot show this model here",
    where: `output "${output.name}" [${output.shape.join(", ")}]`,
    why: "it is no list of classes, [N, classes]",
    fix: "use the command: `relprop compile` explains outputs of any shape",
  });
}

/** The model with the explained tensor, before a final softmax, as its only output. */
function withLogits(model: Model, { output }: Compiled): Model {
  return { ...model, graph: { ...model.graph, outputs: [output] } };
}

const weightBytesOf = (model: Model): number =>
  [...model.graph.initializers.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
