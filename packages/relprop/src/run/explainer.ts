/** A compiled explanation with its session, on any ONNX Runtime. */

import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import { channelMask } from "./channels.ts";
import type { CompileOptions } from "../compile/compile-options.ts";
import { InputError, OptionError } from "../errors.ts";
import type { FloatArray, InputArray } from "./float-array.ts";
import { refuseUnknown } from "../option-names.ts";
import { feedTensor, fetchedNumbers } from "./feeds.ts";
import { baselineLike, noiseLike } from "../methods/run-inputs.ts";
import type { MethodOptions } from "../methods/options.ts";
import type { Model, Shape } from "../onnx/graph.ts";
import { sizeAlong } from "../onnx/axis.ts";
import { readModel } from "../onnx/read-model.ts";
import { rankAnswers, type Answers, type RankedClass } from "../answers/rank-classes.ts";
import { runOptionNames, type Explanation, type RunOptions } from "./explanation.ts";
import { readLedger } from "./read-ledger.ts";
import { bestOfMaps, repeatedForMaps, targetOfMaps } from "./map-targets.ts";
import type { Runtime, Session } from "./runtime.ts";
import { channelRelevanceOutput, channelsInput } from "../relevance/concepts.ts";
import { ledgerOutput } from "../relevance/ledger.ts";
import { sizeOf } from "../onnx/tensor.ts";
import {
  logitsName,
  sessionModel,
  withWeights,
  type CompiledFacts,
  type SessionModel,
} from "./session-model.ts";
import { startSums } from "./start-sum.ts";
import { directions, nextTokens } from "./usual-targets.ts";
import { regionTarget, targetNumbers, type Target } from "./targets.ts";
import { regionsOf } from "../relevance/target-text.ts";
import { suggestion } from "../suggestion.ts";
import { sure } from "../sure.ts";

interface SessionOptions {
  /** onnxruntime-node, onnxruntime-web or another runtime of the same API. */
  readonly ort: Runtime;
  /** Passed on to ONNX Runtime: execution providers, threads, … Its `extra` overrides our settings. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
}

interface ModelOptions extends SessionOptions {
  /**
   * The bytes of an .onnx file, or a model. If `readModelFile` of `@relprop/core/node` read it, onnxruntime-node maps the
   * weights from the file.
   */
  readonly model: Uint8Array | Model;
}

/** Options of {@link compile}, or with `method` of {@link compileMethod}, and of the session. */
export type ExplainerOptions = ModelOptions & (CompileOptions | MethodOptions);

/** Options for a model that {@link sessionModel} has compiled. */
export interface PreparedOptions extends SessionOptions {
  /** The compiled model. */
  readonly prepared: SessionModel;
}

const rankedClasses = 5;

/**
 * Explains batches of inputs.
 *
 * The constructor compiles, and throws what {@link compile} throws. The first run or {@link Explainer.ready} makes the
 * session. Runs are queued because ONNX Runtime's WebGPU back end cannot run two at a time.
 *
 * @example
 *     const explainer = new Explainer({ ort, model: await readFile("resnet50.onnx"), composite: "epsilon-plus" });
 *     const { relevance, top } = await explainer.explain({ data, dims: [1, 3, 224, 224] }, { target: 285 });
 *     await explainer.dispose();
 */
export class Explainer {
  /** The facts about the compiled model. */
  readonly compiled: CompiledFacts;
  readonly #view: SessionModel["view"];
  readonly #ort: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  #session: Promise<Session> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ExplainerOptions | PreparedOptions) {
    const { facts, view } = "prepared" in options ? options.prepared : compileSource(options);
    this.#ort = options.ort;
    this.#sessionOptions = options.sessionOptions ?? {};
    this.compiled = facts;
    this.#view = view;
  }

  /** Makes the session before the first run. */
  async ready(): Promise<void> {
    await this.#load();
  }

  /**
   * @param input values of the explained input: usually [N, C, H, W], or token ids [N, T]
   * @throws InputError if the shape is not the model's; OptionError for an unknown option
   */
  async explain(input: InputArray, run: RunOptions = {}): Promise<Explanation> {
    refuseUnknown("explain", run, runOptionNames);
    this.#check(input);
    const job = this.#queue.then(() => this.#explain(input, run));
    this.#queue = job.catch(() => undefined);
    return job;
  }

  /** Frees the session. A later run makes a new one. */
  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await this.#queue;
    await (await session)?.release();
  }

  #load(): Promise<Session> {
    this.#session ??= this.#create();
    return this.#session;
  }

  #create(): Promise<Session> {
    const settings = { disable_prepacking: this.compiled.packsWeights ? "0" : "1" };
    return this.#ort.InferenceSession.create(
      this.#view.bytes,
      withWeights(this.#view, this.#sessionOptions, settings),
    );
  }

  async #explain(input: InputArray, run: RunOptions): Promise<Explanation> {
    const target = this.#isAdded("target")
      ? (run.target ?? (await this.#defaultTarget(input, run)))
      : undefined;
    const { fetched, explained } = await this.#run(input, run, target);
    const { [logitsName]: _logits, ...others } = fetched;
    const { outputs, ...added } = takeAdded(this.compiled, others);
    const answers = { values: fetched[this.compiled.outputName], explained };
    const rankings = this.#rankings(answers, input);
    const top = rankings.map((ranked) => ranked.slice(0, rankedClasses));
    const { settings, facts } = this.compiled;
    const weights = this.#explainedTarget(answers, rankings, input, target);
    const ofMaps = repeatedForMaps(explained, facts.batchAxis ?? 0, this.#targets);
    const start = startSums(settings.seed, facts, ofMaps, weights);
    const isWhole = settings.seed === "softmax";
    return { outputs, explained, ...(!isWhole && { target: weights }), start, top, ...added };
  }

  #isAdded(name: string): boolean {
    return this.compiled.added.some((each) => each.name === name);
  }

  /** How many targets a sample has: maps of channels share one. */
  get #targets(): number {
    return this.compiled.concepts ? 1 : this.compiled.maps;
  }

  #samples({ dims }: InputArray): number {
    return sizeAlong(dims, this.compiled.batchAxis);
  }

  /** The target that was explained, in the output's shape. */
  #explainedTarget(
    answers: Answers,
    rankings: readonly (readonly RankedClass[])[],
    input: InputArray,
    target: Target | undefined,
  ): FloatArray {
    const { settings, facts } = this.compiled;
    const { dims } = repeatedForMaps(answers.explained, facts.batchAxis ?? 0, this.#targets);
    if (target !== undefined) return this.#targetTensor(target, this.#samples(input));
    if (typeof settings.target === "object")
      return regionTarget(dims, regionsOf(settings.target, dims, facts));
    const best = bestOfMaps(rankings, this.#targets);
    return {
      data: best.length > 0 ? targetNumbers(best, dims, facts) : new Float32Array(sizeOf(dims)),
      dims,
    };
  }

  /** The ranked answer of each sample, if it is one list of numbers. */
  #rankings(answers: Answers, input: InputArray): RankedClass[][] {
    const { facts } = this.compiled;
    if (facts.placeAxes.length > 0) return [];
    return Array.from({ length: this.#samples(input) }, (_, sample) =>
      rankAnswers(facts, answers, { sample }),
    );
  }

  /** The default of {@link RunOptions.target}. */
  async #defaultTarget(input: InputArray, run: RunOptions): Promise<Target> {
    const { output, facts } = this.compiled;
    const isList = facts.placeAxes.length === 0;
    const isOne = isList && (facts.classAxis === undefined || output.shape[facts.classAxis] === 1);
    const isUsual = isOne || facts.isVocabulary || (isList && facts.kind !== "values");
    const hasSeveral = isOne || (isList && !facts.isVocabulary && facts.kind !== "embedding");
    const hasDefault = isUsual && (hasSeveral || this.#targets === 1);
    if (!hasDefault) {
      throw new OptionError({
        what: "cannot tell what to explain",
        where: `output "${output.name}", [${output.shape.join(", ")}]`,
        why: `it is read as ${facts.kind} (${facts.why}), and none of its numbers is the answer`,
        fix: "give a target: an index along the classes, or a tensor of the output's shape (maskTarget, parseTarget)",
      });
    }
    const dims = this.#targetDims(input);
    const target: FloatArray = { data: new Float32Array(sizeOf(dims)), dims };
    if (isOne) return { data: target.data.fill(1), dims };
    const { fetched, explained } = await this.#run(input, run, target);
    if (facts.isVocabulary) return nextTokens(explained);
    if (facts.kind === "embedding") return directions(explained, facts.batchAxis);
    const answers = { values: fetched[this.compiled.outputName], explained };
    return bestOfMaps(this.#rankings(answers, input), this.#targets);
  }

  /** Sizes of the target for this input. */
  #targetDims(input: InputArray): number[] {
    const { tokens, output } = this.compiled;
    // The answer is as long as the text.
    if (tokens && output.shape.length === 3)
      return [this.#targets * sizeAlong(input.dims, 0), sizeAlong(input.dims, 1), sizeAlong(output.shape, 2)];
    return this.#outputDims(this.#samples(input));
  }

  async #run(
    input: InputArray,
    run: RunOptions,
    target: Target | undefined,
  ): Promise<{ fetched: Record<string, FloatArray>; explained: FloatArray }> {
    const { compiled } = this;
    const session = await this.#load();
    const { Tensor } = this.#ort;
    const feeds: Record<string, OrtTensor> = {
      ...this.#others(run.others ?? {}),
      [compiled.input.name]: feedTensor(Tensor, compiled.input, input),
    };
    const feed = (name: string, { data, dims }: FloatArray): void => {
      feeds[name] = new Tensor("float32", data, dims);
    };
    if (target !== undefined) feed("target", this.#targetTensor(target, this.#samples(input)));
    if (this.#isAdded("keep")) feed("keep", { data: Float32Array.of(run.keep ?? 0), dims: [] });
    if (this.#isAdded("baseline")) feed("baseline", baselineLike(input as FloatArray, run.baseline));
    if (compiled.concepts && this.#isAdded(channelsInput))
      feed(
        channelsInput,
        channelMask(run.channels, compiled.maps * sizeAlong(input.dims, 0), compiled.concepts),
      );
    const noise = compiled.added.find(({ name }) => name === "noise");
    if (noise) feed("noise", noiseLike(input as FloatArray, sizeAlong(noise.shape, 0), run.noiseSeed ?? 1));
    const results = await session.run(feeds);
    const fetched: Record<string, FloatArray> = {};
    for (const [name, tensor] of Object.entries(results)) {
      const numbers = fetchedNumbers(tensor, name === compiled.facts.detections?.labels);
      if (numbers) fetched[name] = numbers;
    }
    const explained = fetched[logitsName] ?? fetched[compiled.output.name];
    if (!explained)
      throw new InputError({
        what: "cannot rank the outputs",
        why: "the explained output does not hold floating-point numbers",
      });
    if (sizeOf(explained.dims) === 0) throw nothingFound(compiled, explained);
    return { fetched, explained };
  }

  /** @throws InputError naming the inputs that were not given */
  #others(given: NonNullable<RunOptions["others"]>): Record<string, OrtTensor> {
    const { others } = this.compiled;
    const missing = others.filter(({ name }) => !(name in given));
    if (missing.length > 0) {
      const list = missing.map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`);
      throw new InputError({
        what: "cannot run the model",
        why: `it has further inputs that were not given: ${list.join(", ")}`,
        fix: "give their values in `others`",
      });
    }
    const unknown = Object.keys(given).find((name) => !others.some((each) => each.name === name));
    if (unknown !== undefined) {
      const names = others.map(({ name }) => `"${name}"`);
      throw new InputError({
        what: `cannot feed "${unknown}" in \`others\``,
        why: `besides "${this.compiled.input.name}" the compiled model has ${names.length === 0 ? "no inputs" : `the inputs ${names.join(", ")}`}; what \`set\` fixes is none any more`,
        ...suggestion(
          unknown,
          others.map(({ name }) => name),
        ),
      });
    }
    const tensors = Object.entries(given).map(([name, value]): [string, OrtTensor] => {
      const declared = others.find((each) => each.name === name);
      return [
        name,
        "type" in value || !declared ? (value as OrtTensor) : feedTensor(this.#ort.Tensor, declared, value),
      ];
    });
    return Object.fromEntries(tensors);
  }

  #targetTensor(given: Target, samples: number): FloatArray {
    const { output, facts } = this.compiled;
    const target = targetOfMaps(given, this.#targets, samples);
    // A tensor has its own sizes, so it also works for symbolic output shapes.
    const isOpen = output.shape.some((dim, axis) => axis !== facts.batchAxis && typeof dim === "string");
    if (isOpen && typeof target === "object" && "dims" in target) return target;
    const dims = this.#outputDims(samples);
    return { data: targetNumbers(target, dims, facts), dims };
  }

  /** Of the target. */
  #outputDims(samples: number): number[] {
    const { output, facts } = this.compiled;
    return output.shape.map((dim, axis) => {
      if (typeof dim === "number") return dim;
      if (axis === facts.batchAxis) return this.#targets * samples;
      throw new OptionError({
        what: "cannot make the target",
        why: `the explained output has the shape [${output.shape.join(", ")}]`,
        fix: "fix the image size, or give the target as a tensor with its dims (maskTarget)",
      });
    });
  }

  #check({ data, dims }: InputArray): void {
    const { name, shape } = this.compiled.input;
    if (!matches(dims, shape) || data.length !== sizeOf(dims)) {
      throw new InputError({
        what: "cannot explain this input",
        where: `input "${name}"`,
        why: `the model takes [${shape.join(", ")}], this is [${dims.join(", ")}] with ${data.length} numbers`,
      });
    }
  }
}

function compileSource({ ort: _ort, sessionOptions, model, ...chosen }: ExplainerOptions): SessionModel {
  const { operators = {} } = chosen;
  const source = model instanceof Uint8Array ? readModel(model, { operators }) : model;
  if ("method" in chosen && chosen.method !== undefined) return sessionModel(source, chosen);
  const filterBy = filterSearch(sessionOptions?.executionProviders);
  return sessionModel(source, { filterBy, ...chosen });
}

/** The fastest search of the relevance filter on the first of these execution providers. */
export function filterSearch(
  providers: InferenceSession.SessionOptions["executionProviders"] = [],
): NonNullable<CompileOptions["filterBy"]> {
  const [first = "cpu"] = providers;
  const name = typeof first === "string" ? first : first.name;
  return ["cpu", "wasm"].includes(name) ? "sorting" : "bisection";
}

/** Separates the outputs that compiling added from the model's own. */
function takeAdded(
  { concepts, ledger, inputs }: CompiledFacts,
  fetched: Readonly<Record<string, FloatArray>>,
): Pick<Explanation, "outputs" | "relevance" | "relevances" | "channelRelevance" | "ledgers"> {
  const outputs = { ...fetched };
  const take = (name: string): FloatArray => {
    const taken = sure(outputs[name]);
    delete outputs[name];
    return taken;
  };
  const channelRelevance = concepts && take(channelRelevanceOutput);
  const ledgers = ledger && readLedger(ledger, take(ledgerOutput));
  const relevances = Object.fromEntries(inputs.map(({ input, relevance }) => [input.name, take(relevance)]));
  const [first] = inputs;
  const relevance = sure(relevances[first?.input.name ?? ""]);
  return {
    outputs,
    relevance,
    relevances,
    ...(channelRelevance && { channelRelevance }),
    ...(ledgers && { ledgers }),
  };
}

const nothingFound = ({ outputName, facts }: CompiledFacts, { dims }: FloatArray): InputError =>
  new InputError({
    what: "there is nothing to explain",
    where: `output "${outputName}", [${dims.join(", ")}]`,
    why:
      facts.kind === "detections"
        ? "the network finds no box in this input"
        : "the network gives no numbers for this input",
    fix: "give another input, or check how it is prepared (size, mean, std, order of colours)",
  });

const matches = (dims: readonly number[], shape: Shape): boolean =>
  dims.length === shape.length &&
  dims.every((dim, axis) => typeof shape[axis] === "string" || shape[axis] === dim);
