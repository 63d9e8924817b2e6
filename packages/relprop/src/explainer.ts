/** A compiled explanation, ready to run: compile + session + targets, on whichever ONNX Runtime is given. */

import type {
  InferenceSession,
  Tensor as OrtTensor,
  TensorConstructor,
  InferenceSessionFactory,
} from "onnxruntime-common";
import { compile, type Compiled, type CompileOptions } from "./compile.ts";
import { InputError, OptionError } from "./errors.ts";
import type { Model, Shape } from "./onnx/graph.ts";
import { readModel } from "./onnx/read-model.ts";
import { externalView } from "./onnx/write-model.ts";

/** What the explainer needs of onnxruntime-node, onnxruntime-web or any other that follows onnxruntime-common. */
export interface Runtime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

/** Numbers with a shape, row-major. */
export interface FloatArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export interface ExplainerOptions extends CompileOptions {
  readonly ort: Runtime;
  /** An .onnx file's bytes, or a model that was read or built already. */
  readonly model: Uint8Array | Model;
  /** Passed on to ONNX Runtime: execution providers, threads, …; `extra` replaces ours, which keeps weights unpacked. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
}

export interface RunOptions {
  /**
   * What is explained, where the seed asks for it: a class index for all samples, one for each, or a tensor of the
   * output's shape (several classes, contrasts). @default each sample's highest output
   */
  readonly target?: number | readonly number[] | Float32Array;
  /** The fraction the relevance filter keeps, with `topK: "input"`. @default 0, all */
  readonly keep?: number;
  /** Values of the model's other inputs, if it has any. */
  readonly others?: Readonly<Record<string, OrtTensor>>;
}

/** One of the classes a sample could belong to. */
export interface RankedClass {
  readonly index: number;
  /** The output before softmax. */
  readonly logit: number;
  /** Its softmax over all classes. */
  readonly probability: number;
}

export interface Explanation {
  /** [N, C, H, W], or [N, H, W] with `reduce: "channels"`; unitless. */
  readonly relevance: FloatArray;
  /** The model's own outputs that hold float32, by name. */
  readonly outputs: Readonly<Record<string, FloatArray>>;
  /** For each sample the five highest classes, best first. Empty for outputs that are not [N, classes]. */
  readonly top: readonly (readonly RankedClass[])[];
}

/**
 * ONNX Runtime keeps a packed copy of a weight for every operator that uses it, and an explanation uses each several
 * times. Unpacked, VGG-16 takes 0.6 GB less, loads in a sixth of the time and runs as fast.
 */
const sharedWeights = { extra: { session: { disable_prepacking: "1" } } };

const rankedClasses = 5;
const logitsName = "relprop.logits";

/**
 * Explains batches of inputs.
 *
 * ```ts
 * const explainer = new Explainer({ ort, model: await readFile("resnet50.onnx"), composite: "epsilon-plus" });
 * const { relevance, top } = await explainer.explain({ data, dims: [1, 3, 224, 224] }, { target: 285 });
 * await explainer.dispose();
 * ```
 *
 * The constructor compiles and throws what {@link compile} throws; the session is made at the first run, or by
 * {@link Explainer.ready}. Runs are queued: ONNX Runtime's WebGPU back end must not run two at a time.
 */
export class Explainer {
  readonly compiled: Compiled;
  readonly #ort: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  #session: Promise<InferenceSession> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ExplainerOptions) {
    const { ort, model, sessionOptions = {}, ...compileOptions } = options;
    this.#ort = ort;
    this.#sessionOptions = sessionOptions;
    this.compiled = compile(model instanceof Uint8Array ? readModel(model) : model, compileOptions);
  }

  /** Makes the session, so that the first run does not have to. */
  async ready(): Promise<void> {
    await this.#load();
  }

  /**
   * @param input the explained input's values, [N, C, H, W] mostly
   * @throws InputError if their shape is not the model's
   */
  async explain(input: FloatArray, run: RunOptions = {}): Promise<Explanation> {
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

  #load(): Promise<InferenceSession> {
    this.#session ??= this.#create();
    return this.#session;
  }

  #create(): Promise<InferenceSession> {
    const { model, output } = this.compiled;
    const isOutput = model.graph.outputs.some(({ name }) => name === output.name);
    // The logits before a final softmax are what is ranked, so they are asked for too.
    const graph = isOutput ? model.graph : withOutput(model.graph, output.name, logitsName);
    const { bytes, data } = externalView({ ...model, graph });
    return this.#ort.InferenceSession.create(bytes, {
      ...sharedWeights,
      ...this.#sessionOptions,
      externalData: data,
    });
  }

  async #explain(input: FloatArray, run: RunOptions): Promise<Explanation> {
    const { settings } = this.compiled;
    const needsTarget = settings.seed !== "softmax" && settings.target === "input";
    if (needsTarget && run.target === undefined) {
      const first = await this.#run(input, run, new Float32Array(0));
      const best = rank(first.explained, 1).map(([top]) => top?.index ?? 0);
      return this.#explain(input, { ...run, target: best });
    }
    const target = needsTarget ? run.target : undefined;
    const { fetched, explained } = await this.#run(input, run, target);
    const { relevance, [logitsName]: _logits, ...outputs } = fetched;
    return { relevance: relevance as FloatArray, outputs, top: rank(explained, rankedClasses) };
  }

  async #run(
    input: FloatArray,
    run: RunOptions,
    target: RunOptions["target"],
  ): Promise<{ fetched: Record<string, FloatArray>; explained: FloatArray }> {
    const { compiled } = this;
    const session = await this.#load();
    const { Tensor } = this.#ort;
    const feeds: Record<string, OrtTensor> = {
      ...run.others,
      [compiled.input.name]: new Tensor("float32", input.data, input.dims),
    };
    if (session.inputNames.includes("target")) {
      const dims = this.#outputDims(input.dims[0] as number);
      feeds["target"] = new Tensor("float32", targetData(target, dims), dims);
    }
    if (session.inputNames.includes("keep")) {
      feeds["keep"] = new Tensor("float32", Float32Array.of(run.keep ?? 0), []);
    }
    const results = await session.run(feeds);
    const fetched: Record<string, FloatArray> = {};
    for (const [name, tensor] of Object.entries(results)) {
      if (tensor.type === "float32") fetched[name] = { data: tensor.data as Float32Array, dims: tensor.dims };
    }
    const explained = fetched[logitsName] ?? fetched[compiled.output.name];
    if (!explained)
      throw new InputError({
        what: "cannot rank the outputs",
        why: "the explained output does not hold float32",
      });
    return { fetched, explained };
  }

  #outputDims(batch: number): number[] {
    return this.compiled.output.shape.map((dim, axis) => {
      if (typeof dim === "number") return dim;
      if (axis === 0) return batch;
      throw new OptionError({
        what: "cannot make the target",
        why: `the explained output has the shape [${this.compiled.output.shape.join(", ")}]`,
        fix: "fix the image size, or pass the target as a tensor through your own session",
      });
    });
  }

  #check({ data, dims }: FloatArray): void {
    const { name, shape } = this.compiled.input;
    const size = dims.reduce((a, n) => a * n, 1);
    if (!matches(dims, shape) || data.length !== size) {
      throw new InputError({
        what: "cannot explain this input",
        where: `input "${name}"`,
        why: `the model takes [${shape.join(", ")}], this is [${dims.join(", ")}] with ${data.length} numbers`,
      });
    }
  }
}

const matches = (dims: readonly number[], shape: Shape): boolean =>
  dims.length === shape.length &&
  dims.every((dim, axis) => typeof shape[axis] === "string" || shape[axis] === dim);

function withOutput(graph: Model["graph"], value: string, name: string): Model["graph"] {
  const identity = { name, opType: "Identity", domain: "", inputs: [value], outputs: [name], attributes: {} };
  const output = { name, dataType: "float32" as const, shape: [] };
  return {
    ...graph,
    nodes: [...graph.nodes, identity],
    outputs: [...graph.outputs, { ...output, shape: ["N", "classes"] }],
  };
}

/** A target tensor from what the caller gave: [N, classes], one-hot for class indices. */
function targetData(target: RunOptions["target"], dims: readonly number[]): Float32Array {
  const size = dims.reduce((a, n) => a * n, 1);
  if (target instanceof Float32Array) {
    if (target.length === size || target.length === 0)
      return target.length === 0 ? new Float32Array(size) : target;
    throw new OptionError({
      what: "cannot use this target",
      why: `it has ${target.length} numbers, the output has [${dims.join(", ")}]`,
    });
  }
  const [batch = 1, classes = 1] = dims;
  const perClass = size / batch / classes;
  const indices = Array.isArray(target)
    ? (target as readonly number[])
    : Array.from({ length: batch }, () => target as number);
  const data = new Float32Array(size);
  if (indices.length !== batch) {
    throw new OptionError({
      what: "cannot use this target",
      why: `it names ${indices.length} classes for ${batch} samples`,
    });
  }
  for (const [sample, index] of indices.entries()) {
    if (!Number.isInteger(index) || index < 0 || index >= classes) {
      throw new OptionError({
        what: `there is no class ${index}`,
        why: `the output has the classes 0 to ${classes - 1}`,
      });
    }
    data.fill(1, (sample * classes + index) * perClass, (sample * classes + index + 1) * perClass);
  }
  return data;
}

/** The highest classes of each sample of [N, classes]. */
function rank({ data, dims }: FloatArray, count: number): RankedClass[][] {
  const [batch = 1, classes = 1] = dims;
  if (dims.length !== 2) return [];
  return Array.from({ length: batch }, (_, sample) => {
    const logits = data.subarray(sample * classes, (sample + 1) * classes);
    const highest = logits.reduce((a, n) => Math.max(a, n), -Infinity);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
    return Array.from(logits, (logit, index) => ({
      index,
      logit,
      probability: Math.exp(logit - highest) / total,
    }))
      .sort((a, c) => c.logit - a.logit)
      .slice(0, count);
  });
}
