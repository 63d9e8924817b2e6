/** What all images of a run of `relprop explain` share, and how it comes about. */

import { availableParallelism } from "node:os";
import { filterSearch, type Explainer, type OutputKind, type SessionModel } from "@relprop/core";
import type { Pixels, Theme } from "@relprop/core/heatmap";
import { zooEntry } from "@relprop/core/zoo";
import { compileOnce, readOnce } from "../sessions/compiled-cache.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
  type RunChoices,
} from "../run/decide.ts";
import { loadModel, weightBytes, type LoadedModel, type LoadOptions } from "../models/load-model.ts";
import { canKeep, keepOptimized, startingFromKept } from "../sessions/optimized-cache.ts";
import { startWaiting } from "../terminal/progress.ts";
import type { ImageFile } from "../files/read-images.ts";
import { say, sayDecisions, type ReportOptions } from "../terminal/report.ts";
import type { Manifest } from "../files/manifest.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { providerOf, startExplainer, type Device } from "../sessions/start-explainer.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import type { Wanted } from "./image-files.ts";

/** Everything that `relprop explain` can be told. */
export interface ExplainOptions extends ReportOptions, RunChoices, Wanted {
  readonly model: string;
  readonly load: LoadOptions;
  readonly device: Device;
  readonly batch: number;
  /** Images that are read, and images that are coloured and written, at a time beside the network. */
  readonly jobs: number;
  /** Whether compiled models are kept for the next run. */
  readonly cache: boolean;
  /** Of figures. */
  readonly theme: Theme;
  /** Whether what is done already is done again, and what relprop did not write is written over. */
  readonly force: boolean;
}

/** Sessions of the same model: each explains a batch at a time. */
type Explainers = readonly [Explainer, ...Explainer[]];

/** What all images of a run share. */
export interface Run {
  readonly options: ExplainOptions;
  /** Without the model: its weights are the session's. */
  readonly loaded: Omit<LoadedModel, "model">;
  readonly explainers: Explainers;
  readonly decision: CompileDecision;
  readonly coloring: Coloring;
  readonly decisions: [string, string][];
  readonly writer: ResultWriter;
  readonly manifest: Manifest;
}

/** An image that has to be explained, read. */
export interface Pending extends ImageFile {
  readonly hash: string;
  readonly picture: Pixels;
}

/**
 * Loads and compiles the model, and says what was decided.
 * @param given what there is before: `threads` is where sessions are made
 * @throws RelpropError for what concerns the run as a whole
 */
export async function startRun(
  images: readonly ImageFile[],
  options: ExplainOptions,
  { threads, ...given }: Pick<Run, "writer" | "manifest"> & { readonly threads: SessionThreads },
): Promise<Run> {
  const { device } = options;
  const isSilent = options.quiet || options.json;
  const { model, ...loaded } = await loadModel(options.model, { ...options.load, quiet: isSilent });
  const source = { model, id: loaded.id, useCache: options.cache };
  const compile = { filterBy: filterSearch([providerOf(device)]), ...options.compile };
  const decision = await decideCompile({ model, ...loaded }, { ...options, compile }, (wanted) =>
    readOnce(source, wanted),
  );
  const waiting = startWaiting(
    `starting ${loaded.card.name} on ${device}`,
    isSilent || !process.stderr.isTTY,
  );
  let explainers: Explainers;
  let how: string;
  try {
    const kept = await compileOnce(source, decision.options);
    const { key } = kept;
    how = kept.how;
    // What is optimized for a GPU is not written as a graph.
    explainers =
      key !== undefined && providerOf(device) === "cpu"
        ? await startKept(
            { key, model: kept.model, weights: weightBytes(model) },
            images.length / options.batch,
            threads,
          )
        : [await startExplainer(kept.model, device, await threads.first.runtime())];
  } finally {
    waiting.stop();
  }
  const { compiled } = explainers[0];
  const coloring = decideColoring(compiled, options);
  const decisions = decisionsInWords(loaded, compiled, decision, coloring);
  if (!isSilent) {
    sayDecisions([...decisions, ["compiled", how], ["device", device], ["images", String(images.length)]]);
    if (loaded.guesses.length > 0) {
      say(
        `guessed, since no card says it: ${loaded.guesses.join("; ")} (--card, --size, --channels, --mean, --std say it)`,
      );
    }
    const { labels, facts } = decision.names;
    if (labels.length === 0 && !nameless.has(facts.kind)) {
      const own = loaded.card.labels.length;
      const why = own === 0 ? "are not known" : `are not known, those of the model (${own}) do not fit`;
      say(`the names of the classes ${why}: ${labelsHint(loaded)}`);
    }
  }
  return { options, loaded, explainers, decision, coloring, decisions, ...given };
}

/** From so many batches on, a second session is worth its start. */
const many = 4;

/** Larger networks keep all cores busy by themselves, and a second copy of what was made of their weights is no trifle. */
const mostWeights = 2.5e8;

/**
 * Starts a model on the CPU. Of many batches two are explained at a time, on half of the cores each: then no core waits
 * for the others at the end of every operator, and the filter's sorting, which is one thread's work, keeps none idle.
 * @param batches how many there will be
 */
async function startKept(
  { key, model, weights }: { readonly key: string; readonly model: SessionModel; readonly weights: number },
  batches: number,
  threads: SessionThreads,
): Promise<Explainers> {
  const runtime = keepOptimized(await threads.first.runtime(), key, weights);
  const half = Math.floor(availableParallelism() / 2);
  const isShared = half > 0 && batches >= many && weights <= mostWeights && (await canKeep(key, weights));
  const first = await startExplainer(model, "cpu", runtime, isShared ? half : undefined);
  // The second needs what the first has kept: the weights themselves have gone to the first one's thread.
  const kept = isShared && (await startingFromKept(await threads.another().runtime(), key));
  return kept ? [first, await startExplainer(model, "cpu", kept, half)] : [first];
}

/** Outputs whose numbers are no classes. */
const nameless: ReadonlySet<OutputKind> = new Set(["values", "value-map", "embedding", "scores"]);

/** How the names of the classes can be had. */
const labelsHint = ({ card }: Run["loaded"]): string =>
  zooEntry(card.name) ? "`relprop models pull resnet50` brings ImageNet's" : "give them with --labels FILE";
