/** How faithful explanations are, measured: many inputs, several methods, one table. */

import type { InferenceSession } from "onnxruntime-common";
import { answersOf, type RunSource } from "../answers/pick-answer.ts";
import { pickClass, pickLength, sampleOf, type Pick } from "../answers/picks.ts";
import type { CompileOptions } from "../compile/compile-options.ts";
import { InputError, OptionError } from "../errors.ts";
import type { MethodOptions, SharedMethodOptions } from "../methods/options.ts";
import type { Model } from "../onnx/graph.ts";
import { readModel } from "../onnx/read-model.ts";
import { refuseUnknown, type OptionNames } from "../option-names.ts";
import { AnswerSession } from "../run/answer-session.ts";
import { Explainer } from "../run/explainer.ts";
import type { FloatArray, InputArray } from "../run/float-array.ts";
import type { Runtime } from "../run/runtime.ts";
import { sure } from "../sure.ts";
import { columnMoments, type Moments } from "./baselines.ts";
import { mapOf, usualCellsOf } from "./layout.ts";
import type { MapSource, MeasureOptions, Subject } from "./measurement.ts";
import { checkMetrics, type MetricName } from "./metrics.ts";
import { randomized } from "./randomize.ts";
import { answerOne, KeptExplainers, mapSource, subjectOf, type Answered } from "./subject.ts";
import { isTrivialMap, trivialMap, type TrivialMap } from "./trivial-maps.ts";
import { measureMap, metricTable, type MeasuredInput, type MeasuredMap, type MetricRow } from "./table.ts";

/**
 * Where maps come from: options of a composite or a method, finished maps [N, H, W] or in the input's shape, `random` for
 * noise, which has an SRG of 0 on average, or `centre` for a blob in the middle.
 */
export type MapMaker = CompileOptions | MethodOptions | FloatArray | TrivialMap;

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends MeasureOptions {
  /** onnxruntime-node, onnxruntime-web or another runtime of the same API. */
  readonly ort: Runtime;
  /** Passed on to ONNX Runtime. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
  /** The bytes of an .onnx file, or a model. */
  readonly model: Uint8Array | Model;
  /** Inputs as the model takes them, samples first: [N, C, H, W], [N, H, W, C], tables [N, F], signals [N, C, T], token ids [N, T]. */
  readonly input: FloatArray;
  /** Values of the model's other inputs by name, samples first. */
  readonly others?: Readonly<Record<string, InputArray>>;
  /** The methods by their names. */
  readonly methods: Readonly<Record<string, MapMaker>>;
  /** What all methods share: which input and output are meant, and what the output is. */
  readonly compile?: SharedMethodOptions;
  /** What is measured. @default srg, deletion and insertion */
  readonly metrics?: readonly MetricName[];
  /** The class that is explained, for all samples or one for each. @default the best class of each */
  readonly target?: number | readonly number[];
  /** The method that others are compared with. @default the first one */
  readonly reference?: string;
  /** Side of the square patches in pixels, or length of runs in lists. @default a sixteenth of the shorter side */
  readonly patch?: number;
  /**
   * What the baseline `black` fills in, in the units of the input: one number for each channel, or the id of the token that hides others.
   * @default 0
   */
  readonly black?: readonly number[];
  /** Where the object is, for the pointing game and the relevance mass: [N, H, W], 1 inside. */
  readonly masks?: FloatArray;
  /** Steps of the network in pixels, for the grid score. @default 2, 4, 8, 16, 32 */
  readonly strides?: readonly number[];
  /** How many changed inputs run at once. @default 16, or what the model's fixed batch is */
  readonly batch?: number;
}

/** What was measured. */
export interface Evaluation {
  /** One row for each metric and method. */
  readonly table: readonly MetricRow[];
  /** The measured maps of each input. */
  readonly inputs: readonly MeasuredInput[];
  /** What was left out, and why. */
  readonly leftOut: readonly LeftOut[];
}

/** A sample, or one of its maps, that could not be measured. */
export interface LeftOut {
  /** Its index. */
  readonly sample: number;
  /** The method, if only its map is left out. */
  readonly method?: string;
  /** Why. */
  readonly error: InputError;
}

const optionNames: OptionNames<EvaluateOptions> = {
  ort: true,
  sessionOptions: true,
  model: true,
  input: true,
  others: true,
  methods: true,
  compile: true,
  metrics: true,
  target: true,
  reference: true,
  patch: true,
  black: true,
  masks: true,
  strides: true,
  batch: true,
  baseline: true,
  steps: true,
  subsets: true,
  seed: true,
};

/** Strides of most networks for pictures. */
export const usualStrides: readonly number[] = [2, 4, 8, 16, 32];
/** How many changed inputs run at once. */
const usualBatch = 16;

/**
 * Measures how faithful the maps of several methods are to a model: what its answer loses when the parts that a map calls
 * relevant are removed, and more ({@link metricNames}). The answer is the probability of the explained class; values have no
 * probability, and are taken as they are. Samples whose answer is about 0, and maps with numbers that are NaN, are left out and named.
 *
 * ```ts
 * const { table } = await evaluate({
 *   ort, model, input,
 *   methods: { lrp: { composite: "epsilon-plus" }, "grad-cam": { method: "grad-cam" }, random: "random" },
 * });
 * ```
 *
 * @throws what {@link compile} and {@link compileMethod} throw
 * @throws OptionError for an option that does not exist, or a reference that is no method
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  refuseUnknown("evaluate", options, optionNames);
  const { input, methods, metrics = ["srg", "deletion", "insertion"] } = options;
  checkMetrics(metrics);
  const names = Object.keys(methods);
  const reference = options.reference ?? names[0] ?? "";
  if (!names.includes(reference)) {
    throw new OptionError({
      what: `cannot compare with "${reference}"`,
      why: names.length === 0 ? "no methods are given" : `methods are ${names.join(", ")}`,
    });
  }
  const source = options.model instanceof Uint8Array ? readModel(options.model) : options.model;
  const leftOut: LeftOut[] = [];
  const { ort, sessionOptions = {}, compile } = options;
  // Relevance is taken out of this graph again, so it needs no rules.
  const session = new AnswerSession({ ort, sessionOptions, model: source, ...compile, fallback: "gradient" });
  try {
    const samples = await samplesOf(session, options, leftOut);
    const inputs: Record<string, MeasuredMap>[] = Array.from({ length: input.dims[0] ?? 0 }, () => ({}));
    for (const [method, maker] of Object.entries(methods)) {
      const maps = mapsOf(source, maker, options);
      try {
        for (const sample of samples) {
          try {
            const found = await measureMap(sample.subject, await maps.of(sample), metrics, options);
            sure(inputs[sample.index])[method] = found;
          } catch (error) {
            if (!(error instanceof InputError)) throw error;
            leftOut.push({ sample: sample.index, method, error });
          }
        }
      } finally {
        await maps.dispose();
      }
    }
    return { table: metricTable(inputs, names, metrics, reference), inputs, leftOut };
  } finally {
    await session.dispose();
  }
}

/** A sample whose answer can be measured. */
interface Sample extends Answered {
  readonly index: number;
  readonly subject: Subject;
}

async function samplesOf(
  session: AnswerSession,
  options: EvaluateOptions,
  leftOut: LeftOut[],
): Promise<Sample[]> {
  const { target, patch, black, masks, strides = usualStrides, batch = usualBatch } = options;
  const columns = columnsOf(options);
  const samples: Sample[] = [];
  for (let index = 0; index < (options.input.dims[0] ?? 0); index++) {
    const input = sampleOf(options.input, 0, index);
    const others = Object.fromEntries(
      Object.entries(options.others ?? {}).map(([name, value]) => [name, rowOf(value, index)]),
    );
    const source = await answerOne(session, input, others);
    try {
      const pick = pickOf(source, typeof target === "object" ? target[index] : target);
      const answered = { input, source, pick, others };
      const subject = subjectOf(session, answered, batch, {
        cells: usualCellsOf(input.dims, patch),
        strides,
        ...(columns && { columns }),
        ...(black && { black }),
        ...(masks && { mask: Uint8Array.from(sampleOf(masks, 0, index).data, (n) => (n > 0 ? 1 : 0)) }),
      });
      samples.push({ ...answered, index, subject });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      leftOut.push({ sample: index, error });
    }
  }
  return samples;
}

/**
 * Means and deviations over all samples, for inputs whose numbers have units of their own; pictures have channels.
 * @throws OptionError if they are needed, and there is only one sample
 */
function columnsOf({ input: { data, dims }, baseline = "mean" }: EvaluateOptions): Moments | undefined {
  const [count = 0, ...rest] = dims;
  if (rest.length === 3) return undefined;
  if (count < 2 && (baseline === "mean" || baseline === "noise")) {
    throw new OptionError({
      what: `cannot take the baseline ${baseline}`,
      why: "it is taken over all samples, and there is one",
      fix: "give more samples, or take the baseline black with a value of your own",
    });
  }
  return columnMoments(data, data.length / count);
}

/** One sample of an input. */
function rowOf({ data, dims }: InputArray, index: number): InputArray {
  const size = data.length / (dims[0] ?? 1);
  return { data: data.slice(index * size, (index + 1) * size), dims: [1, ...dims.slice(1)] };
}

/** The part of the answer that is watched. */
function pickOf(source: RunSource, index: number | undefined): Pick {
  const { facts } = source;
  if (index !== undefined) return pickClass(source, 0, index);
  if (facts.kind === "embedding") return pickLength(source, 0);
  const [best] = answersOf(source, 0);
  if (best) return pickClass(source, 0, best.index);
  throw new OptionError({
    what: "cannot tell what to explain",
    why: `the output is read as ${facts.kind}, and none of its numbers is the answer`,
    fix: "give a target",
  });
}

/** A maker of maps, and what it holds. */
interface Maps {
  readonly of: (sample: Sample) => Promise<MapSource>;
  readonly dispose: () => Promise<void>;
}

function mapsOf(model: Model, maker: MapMaker, options: EvaluateOptions): Maps {
  if (isTrivialMap(maker)) {
    const seed = options.seed ?? 1;
    const of = async ({ index, subject }: Sample): Promise<MapSource> => ({
      map: trivialMap(maker, subject.layout, seed + index),
    });
    return { of, dispose: async () => undefined };
  }
  if ("data" in maker) {
    const of = async ({ index, subject }: Sample): Promise<MapSource> => ({
      map: mapOf(sampleOf(maker, 0, index).data, subject.layout),
    });
    return { of, dispose: async () => undefined };
  }
  const { ort, sessionOptions, compile } = options;
  const explainerOf = (of: Model): Explainer =>
    new Explainer({ ort, model: of, ...compile, ...maker, ...(sessionOptions && { sessionOptions }) });
  const explainer = explainerOf(model);
  const random = new KeptExplainers(async (share) =>
    explainerOf(randomized(model, share, options.seed ?? 1)),
  );
  return {
    of: (sample) => mapSource(explainer, sample, (share) => random.of(share)),
    dispose: async () => {
      await Promise.all([explainer.dispose(), random.dispose()]);
    },
  };
}
