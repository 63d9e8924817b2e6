/** A model of arrays, loaded, decided about, compiled and started; the decisions are printed. */

import { OptionError, RelpropError, type OutputFacts } from "@relprop/core";
import { filterSearch, isFloat, sizeOf } from "@relprop/core/internal";
import type { Model } from "@relprop/core/onnx";
import { bindFile, closeBeside, fedInputs, type BoundFile, type Feeding } from "./array-inputs.ts";
import type { ArrayRunOptions } from "./array-options.ts";
import { mostLines } from "./array-text.ts";
import type { Asked } from "./run-file.ts";
import { isOfKind, type InputFile } from "../files/find-files.ts";
import { loadArrayModel, type ArrayModel } from "../models/load-model.ts";
import type { BatchPlan } from "../run/answer-picks.ts";
import { requestFileName, requestText } from "../run/answer-requests.ts";
import { fileNamePart } from "../run/choose-classes.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
} from "../run/decide.ts";
import type { AnswerRun } from "../run/explain-batch.ts";
import { askedMaps, samplesForMaps, startForMaps } from "../run/plan-maps.ts";
import { nameOf } from "../run/score.ts";
import { filesWithSound } from "../sounds/read-sound.ts";
import { soundSettings } from "../sounds/sound-plan.ts";
import { readOnce } from "../sessions/compiled-cache.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { providerOf } from "../sessions/start-explainer.ts";
import { startSessions, type Explainers } from "../sessions/start-sessions.ts";
import { isSilent, say, sayDecisions } from "../terminal/report.ts";

/** The state that all samples of a run share. */
export interface ArrayRun {
  readonly options: ArrayRunOptions;
  readonly files: readonly InputFile[];
  readonly feeding: Feeding;
  readonly loaded: Omit<ArrayModel, "model">;
  readonly explainers: Explainers;
  readonly decision: CompileDecision;
  readonly plan: BatchPlan;
  readonly asked: readonly Asked[];
  readonly coloring: Coloring;
  readonly settings: [name: string, value: string][];
  /** The batch that the model takes, if that is fixed. */
  readonly batch: number | undefined;
  readonly samplesAtATime: number;
  /** Inputs without a batch axis. */
  readonly shared: ReadonlySet<string>;
  /** The number of all samples, if it is known. */
  readonly total: number | undefined;
  readonly features?: readonly string[];
  readonly rate?: number;
}

/** Numbers that are explained at a time, unless the user says how many samples. */
const numbersAtATime = 1 << 17;
const mostSamples = 4096;

/**
 * Loads, compiles and starts the model, and prints the decisions.
 * @throws RelpropError for errors of the whole run
 */
export async function startArrays(
  files: readonly InputFile[],
  options: ArrayRunOptions,
  threads: SessionThreads,
): Promise<ArrayRun> {
  const silent = isSilent(options);
  const { card: cardPath, labels, set, device } = options;
  const { model: given, ...loaded } = await loadArrayModel(options.model, {
    ...(cardPath !== undefined && { card: cardPath }),
    ...(labels !== undefined && { labels }),
    ...(set && { set }),
    quiet: silent,
  });
  const first = await boundModel(given, loaded.card, files, options);
  const { model } = first.feeding;
  const source = {
    model,
    id: `${loaded.id} ${JSON.stringify(model.graph.inputs.map(({ shape }) => shape))}`,
    useCache: false,
  };
  const compile = { filterBy: filterSearch([providerOf(device)]), ...options.compile };
  const choices = { ...options, compile, needsAnswer: true };
  const decided = await decideCompile({ model, ...loaded }, choices, (wanted) => readOnce(source, wanted));
  const start = (chosen: CompileDecision["options"]): ReturnType<typeof startSessions> =>
    startSessions(source, chosen, {
      name: loaded.card.name,
      device,
      batches: first.count === undefined ? 2 : Math.max(1, (files.length * first.count) / mostSamples),
      threads,
      isSilent: silent,
    });
  const alone = asOneRun(decided);
  const maps = await startForMaps(alone.options, askedMaps(alone), first.sample, start);
  const { explainers, how } = maps.started;
  const decision = { ...alone, options: maps.options };
  const { compiled } = explainers[0];
  const { input, batchAxis } = compiled;
  const size = batchAxis === undefined ? undefined : input.shape[batchAxis];
  const batch = batchAxis === 0 && typeof size === "number" ? size : undefined;
  const shared = sharedInputs(model, batchAxis, input.name);
  const whole = batchAxis === 0 ? shared : new Set(fedInputs(model).map(({ name }) => name));
  await closeBeside(first.feeding);
  const feeding = {
    ...first.feeding,
    batching: { isKnown: true, whole, batchAxis },
    beside: new Map(),
  };
  const total = await totalOf(files, feeding);
  const samplesAtATime = samplesOf(options.batch, {
    batch,
    batchAxis,
    shared,
    sample: first.sample,
    compiled,
  });
  const coloring = decideColoring(compiled, options);
  const settings = decisionsInWords(loaded, compiled, { ...decided, options: decision.options }, coloring);
  const explained = compiled.inputs.map((each) => each.input.name).join(", ");
  settings.push(...maps.settings);
  if (compiled.inputs.length > 1) settings.push(["explained inputs", explained]);
  if (first.sound) settings.push(...soundSettings(first.sound));
  const constant = compiled.others.filter(({ dataType }) => isFloat(dataType)).map(({ name }) => name);
  if (options.method && constant.length > 0) {
    const others = `${constant.join(", ")} as ${constant.length === 1 ? "a constant" : "constants"}`;
    settings.push(["explains one input", `${input.name}, and takes ${others} (--input chooses another)`]);
  }
  if (!silent) {
    const counted = total === undefined ? [] : [["samples", String(total)] as const];
    sayDecisions([
      ...settings,
      ["compiled", how],
      ["device", device],
      ...counted,
      ["at a time", String(samplesAtATime)],
    ]);
    if (decision.names.labels.length === 0 && isNamed(decision.names.facts))
      say("the names of the classes are not known: give them with --labels FILE");
  }
  const { requests, against, names } = decision;
  const features = options.features ?? loaded.card.features;
  const rate = options.rate ?? loaded.card.rate;
  const { shape } = input;
  // Only a few samples have a line each.
  const hasLines = total !== undefined && total <= mostLines * files.length;
  const isPicture = shape.length === 4 && [shape[2], shape[3]].every((side) => typeof side === "number");
  const [height, width] = isPicture ? [Number(shape[2]), Number(shape[3])] : [1, 1];
  return {
    options,
    files,
    feeding,
    loaded,
    explainers,
    decision,
    plan: {
      requests,
      against,
      names,
      size: [height, width],
      detection: options.detection ?? {},
      pictures: [],
      keepsRepeats: true,
      isTopUnread: !options.json && (options.quiet || !(first.sound || hasLines)),
    },
    asked: askedOf(decision),
    coloring,
    settings,
    batch,
    samplesAtATime,
    shared,
    total,
    ...(features && { features }),
    ...(rate !== undefined && { rate }),
  };
}

const isNamed = ({ kind }: OutputFacts): boolean => kind === "classes" || kind === "multi-label";

/**
 * Binds the first file, and fixes sizes that the model leaves open to those of its samples: a graph of known sizes is quicker, and
 * some have to be known.
 */
async function boundModel(
  model: Model,
  card: ArrayModel["card"],
  files: readonly InputFile[],
  options: ArrayRunOptions,
): Promise<Pick<BoundFile, "count" | "sound"> & { readonly feeding: Feeding; readonly sample: number }> {
  const batching = { isKnown: false, whole: new Set<string>(), batchAxis: 0 };
  const feeding: Feeding = { model, card, options, files, batching, beside: new Map(), counts: new Map() };
  const areSounds = files.every(({ path }) => isOfKind(path, filesWithSound));
  let failed: unknown;
  for (const [index, file] of files.entries()) {
    try {
      const bound = await bindFile(feeding, file, index);
      const { values } = await bound.take(0, 1);
      await bound.close();
      const inputs = model.graph.inputs.map((input) => {
        const dims = values.get(input.name)?.dims;
        if (!dims || dims.length !== input.shape.length) return input;
        // Windows of sounds are as long in all files.
        if (files.length > 1 && !(areSounds && bound.sound?.size !== undefined)) return input;
        const isAlone = bound.sound?.input.name === input.name && dims.length === 1;
        return {
          ...input,
          shape: input.shape.map((dim, axis) =>
            (axis > 0 || isAlone) && typeof dim === "string" ? (dims[axis] ?? dim) : dim,
          ),
        };
      });
      const sample = [...values.values()].reduce((sum, { dims }) => sum + sizeOf(dims.slice(1)), 0);
      const sized = { ...model, graph: { ...model.graph, inputs } };
      return {
        feeding: { ...feeding, model: sized },
        count: bound.count,
        sample,
        ...(bound.sound && { sound: bound.sound }),
      };
    } catch (error) {
      // A broken file fails alone, unless all are.
      if (!(error instanceof RelpropError) || error instanceof OptionError || files.length === 1) throw error;
      failed ??= error;
    }
  }
  throw failed;
}

/** How many samples there are: a file each, or all of one. */
async function totalOf(files: readonly InputFile[], feeding: Feeding): Promise<number | undefined> {
  if (files.length > mostOpened) return undefined;
  let total = 0;
  for (const [index, file] of files.entries()) {
    try {
      const bound = await bindFile(feeding, file, index);
      await bound.close();
      if (bound.count === undefined) return undefined;
      total += bound.count;
    } catch (error) {
      if (!(error instanceof RelpropError)) throw error;
      total += 1;
    }
  }
  return total;
}

/** So many files are opened to count their samples. */
const mostOpened = 256;

/** One best class of a list needs no second run: the compiled graph finds it. */
function asOneRun(decision: CompileDecision): CompileDecision {
  const { requests, names, against, options } = decision;
  const [only] = requests ?? [];
  const isBest = requests?.length === 1 && only?.kind === "top" && only.count === 1;
  if (!isBest || against !== undefined || names.facts.kind !== "classes" || "method" in options)
    return decision;
  return { ...decision, requests: undefined, options: { ...options, target: "top1" } };
}

/** Inputs that do not count samples with their first axis. */
function sharedInputs({ graph }: Model, batchAxis: number | undefined, main: string): ReadonlySet<string> {
  if (batchAxis !== 0) return new Set();
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const first = inputs.find(({ name }) => name === main)?.shape[0];
  const counts = (dim: string | number | undefined): boolean =>
    dim !== undefined && (dim === first || typeof dim === "string");
  return new Set(
    inputs.filter(({ name, shape }) => name !== main && !counts(shape[0])).map(({ name }) => name),
  );
}

function samplesOf(
  asked: number | undefined,
  found: {
    readonly batch: number | undefined;
    readonly batchAxis: number | undefined;
    readonly shared: ReadonlySet<string>;
    readonly sample: number;
    readonly compiled: Explainers[0]["compiled"];
  },
): number {
  const { batch, batchAxis, shared, sample, compiled } = found;
  if (batch !== undefined) {
    if (asked === undefined || asked === batch) return batch;
    throw new OptionError({
      what: `cannot explain ${asked} samples at a time`,
      why: `the model takes ${batch}: its input is [${compiled.input.shape.join(", ")}]`,
      fix: "leave --batch out, or export the model with an open batch axis",
    });
  }
  const isSharedExplained = compiled.inputs.some(
    ({ input }) => shared.has(input.name) && isFloat(input.dataType),
  );
  if (batchAxis !== 0) return mostSamples;
  if (isSharedExplained) return 1;
  const usual = Math.max(1, Math.min(mostSamples, Math.floor(numbersAtATime / Math.max(1, sample))));
  return samplesForMaps(asked ?? usual, compiled);
}

/** What is asked of each sample, one for each file of relevance. */
function askedOf({ requests, names, isAsked, against }: CompileDecision): Asked[] {
  const other = against === undefined ? "" : nameOf(names, against);
  const rather = against === undefined ? "" : `, rather than ${other}`;
  const ratherFile = against === undefined ? "" : `.rather-than-${against}-${fileNamePart(other)}`;
  if (!requests) {
    const text = `the best class${rather}`;
    return [{ text, label: text, suffix: "", is: () => true }];
  }
  const all = requests.flatMap((request): Asked[] => {
    const ranks = request.kind === "top" && names.facts.kind !== "binary" ? request.count : 1;
    return Array.from({ length: ranks }, (_, rank) => {
      const isTop = request.kind === "top";
      const own = isTop
        ? `top${rank + 1}`
        : requestFileName(request, {
            index: "index" in request ? (request.index ?? 0) : 0,
            label: "index" in request && request.index !== undefined ? nameOf(names, request.index) : "",
          });
      const text = isTop && ranks > 1 ? `class of rank ${rank + 1}` : requestText(request, names);
      const label = request.kind === "class" ? nameOf(names, request.index) : text;
      return {
        text: text + rather,
        label: label + rather,
        suffix: isAsked ? `.${own.replace(/-$/, "")}${ratherFile}` : "",
        is: (run: Pick<AnswerRun, "request" | "rank">) =>
          run.request === request && (!isTop || run.rank === rank),
      };
    });
  }); // What is named twice is written once.
  return all.filter(({ suffix }, i) => all.findIndex((each) => each.suffix === suffix) === i);
}
