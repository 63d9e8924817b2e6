/** Runs a model without relevance, at the cost of the model alone: for sweeps and comparisons. */

import type { InferenceSession } from "onnxruntime-common";
import { compile, type Compiled } from "../compile/compile.ts";
import type { CompileOptions } from "../compile/compile-options.ts";
import type { Runtime, Session } from "./runtime.ts";
import { feedTensor, fetchedNumbers } from "./feeds.ts";
import type { FloatArray, InputArray } from "./float-array.ts";
import type { Model } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { externalView, type ExternalView } from "../onnx/write-model.ts";
import type { RunSource } from "../answers/pick-answer.ts";
import { sure } from "../sure.ts";
import { logitsName, withOutput, withWeights, type CompiledFacts } from "./session-model.ts";

/** Options of {@link AnswerSession}. */
export interface AnswerSessionOptions extends CompileOptions {
  /** onnxruntime-node, onnxruntime-web or another runtime of the same API. */
  readonly ort: Runtime;
  /** Passed on to ONNX Runtime: execution providers, threads. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
  /** The model to run. */
  readonly model: Model;
}

/**
 * Runs a model forward. Its answers are read as an {@link Explainer} reads them, so picks and rankings are the same.
 *
 * ```ts
 * const session = new AnswerSession({ ort, model });
 * const [best] = answersOf(await session.answer({ data, dims }), 0);
 * ```
 *
 * Runs must not overlap where ONNX Runtime computes on WebGPU.
 */
export class AnswerSession {
  /** The facts about the explained output. */
  readonly facts: CompiledFacts["facts"];
  readonly #compiled: CompiledFacts;
  readonly #view: ExternalView;
  readonly #ort: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  #session: Promise<Session> | undefined;

  /** @throws what {@link compile} throws */
  constructor({ ort, sessionOptions = {}, model, ...options }: AnswerSessionOptions) {
    const { model: compiled, ...facts } = compile(model, options);
    this.#compiled = facts;
    this.facts = facts.facts;
    this.#view = externalView(forward(model, { ...facts, model: compiled }));
    this.#ort = ort;
    this.#sessionOptions = sessionOptions;
  }

  /** How many samples every run must have; undefined if any number. */
  get fixedBatch(): number | undefined {
    const { batchAxis, input } = this.#compiled;
    const size = batchAxis === undefined ? 1 : input.shape[batchAxis];
    return typeof size === "number" ? size : undefined;
  }

  /**
   * Runs the model and returns its floating-point outputs, the classes of boxes and the explained tensor.
   * @param others values of the model's other inputs by name
   */
  async answer(input: InputArray, others: Readonly<Record<string, InputArray>> = {}): Promise<RunSource> {
    this.#session ??= this.#ort.InferenceSession.create(
      this.#view.bytes,
      withWeights(this.#view, this.#sessionOptions),
    );
    const session = await this.#session;
    const { input: given, output, outputName, facts } = this.#compiled;
    const feeds = { [given.name]: feedTensor(this.#ort.Tensor, given, input) };
    for (const each of this.#compiled.others) {
      const value = others[each.name];
      if (value) feeds[each.name] = feedTensor(this.#ort.Tensor, each, value);
    }
    const results = await session.run(feeds);
    const outputs: Record<string, FloatArray> = {};
    for (const [name, tensor] of Object.entries(results)) {
      const numbers = fetchedNumbers(tensor, name === facts.detections?.labels);
      if (numbers) outputs[name] = numbers;
    }
    const explained = sure(outputs[logitsName] ?? outputs[output.name]);
    delete outputs[logitsName];
    return { facts, values: outputs[outputName], explained, outputs };
  }

  /** Frees the session; a later answer makes a new one. */
  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session)?.release();
  }
}

/** The compiled model without its relevance. */
function forward(source: Model, { model, output }: Compiled): Model {
  const own = {
    ...model.graph,
    inputs: model.graph.inputs.filter(({ name }) => has(source.graph.inputs, name)),
    outputs: model.graph.outputs.filter(({ name }) => has(source.graph.outputs, name)),
  };
  return {
    ...model,
    graph: prune(has(own.outputs, output.name) ? own : withOutput(own, output, logitsName)),
  };
}

const has = (values: Model["graph"]["inputs"], name: string): boolean =>
  values.some((value) => value.name === name);
