/** What all images of a run of `relprop explain` share, and how it comes about. */

import { filterSearch, type Explainer } from "relprop";
import type { Pixels } from "relprop/heatmap";
import { zooEntry } from "relprop/zoo";
import { compileOnce, suggestOnce } from "./compiled-cache.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
  type Wishes,
} from "./decide.ts";
import { loadModel, weightBytes, type LoadedModel, type LoadOptions } from "./load-model.ts";
import { keepOptimized } from "./optimized-cache.ts";
import { startWaiting } from "./progress.ts";
import type { ImageFile } from "./read-images.ts";
import { say, sayDecisions, type ReportOptions } from "./report.ts";
import { Manifest } from "./resume.ts";
import type { SessionThread } from "./session-thread.ts";
import { providerOf, startExplainer, type Device } from "./start-explainer.ts";
import { ResultWriter, type Extra, type Style } from "./write-results.ts";

/** Everything that `relprop explain` can be told. */
export interface ExplainOptions extends ReportOptions, Wishes {
  readonly model: string;
  readonly load: LoadOptions;
  readonly device: Device;
  readonly batch: number;
  /** Images that are read, and images that are coloured and written, at a time beside the network. */
  readonly jobs: number;
  /** Whether compiled models are kept for the next run. */
  readonly cache: boolean;
  readonly styles: readonly Style[];
  readonly extras: readonly Extra[];
  readonly force: boolean;
}

/** What all images of a run share. */
export interface Run {
  readonly options: ExplainOptions;
  /** Without the model: its weights are the session's. */
  readonly loaded: Omit<LoadedModel, "model">;
  readonly explainer: Explainer;
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
 * @param thread where the session is made
 * @throws RelpropError for what concerns the run as a whole
 */
export async function startRun(
  images: readonly ImageFile[],
  options: ExplainOptions,
  thread: SessionThread,
): Promise<Run> {
  const { folder, device } = options;
  const isSilent = options.quiet || options.json;
  const { model, ...loaded } = await loadModel(options.model, { ...options.load, quiet: isSilent });
  const source = { model, id: loaded.id, useCache: options.cache };
  const compile = { filterBy: filterSearch([providerOf(device)]), ...options.compile };
  const decision = await decideCompile({ model, card: loaded.card }, { ...options, compile }, (wanted) =>
    suggestOnce(source, wanted),
  );
  const waiting = startWaiting(
    `starting ${loaded.card.name} on ${device}`,
    isSilent || !process.stderr.isTTY,
  );
  let explainer: Explainer;
  let compiled: string;
  try {
    const kept = await compileOnce(source, decision.options);
    compiled = kept.how;
    const runtime = await thread.runtime();
    // What is optimized for a GPU is not written as a graph.
    const isKept = kept.key !== undefined && providerOf(device) === "cpu";
    explainer = await startExplainer(
      kept.model,
      device,
      isKept ? keepOptimized(runtime, kept.key, weightBytes(model)) : runtime,
    );
  } finally {
    waiting.stop();
  }
  const coloring = decideColoring(explainer.compiled, options);
  const decisions = decisionsInWords(loaded, explainer.compiled, decision, coloring);
  if (!isSilent) {
    sayDecisions([
      ...decisions,
      ["compiled", compiled],
      ["device", device],
      ["images", String(images.length)],
    ]);
    if (loaded.guesses.length > 0) {
      say(
        `guessed, since no card says it: ${loaded.guesses.join("; ")} (--card, --size, --channels, --mean, --std say it)`,
      );
    }
    if (loaded.card.labels.length === 0) say(`the names of the classes are not known: ${labelsHint(loaded)}`);
  }
  const writer = await ResultWriter.create(
    folder,
    images.map(({ path }) => path),
  );
  return {
    options,
    loaded,
    explainer,
    decision,
    coloring,
    decisions,
    writer,
    manifest: await Manifest.open(folder),
  };
}

/** How the names of the classes can be had. */
const labelsHint = ({ card }: Run["loaded"]): string =>
  zooEntry(card.name) ? "`relprop models pull resnet50` brings ImageNet's" : "give them with --labels FILE";
