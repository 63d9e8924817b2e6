/** Loads a picture model, decides what is explained, compiles and starts it, and prints the decisions. */

import { OptionError, type CompileOptions, type FloatArray, type OutputKind } from "@relprop/core";
import { channelCount, doubtsOfPixels, filterSearch, pictureOf } from "@relprop/core/internal";
import { zooEntry } from "@relprop/core/zoo";
import type { AnswerPlan } from "./answer-picks.ts";
import { doubtFinder, onFirst } from "./check-input.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
  type RunChoices,
} from "./decide.ts";
import { waysToGive } from "./missing-inputs.ts";
import { askedMaps, samplesForMaps, startForMaps } from "./plan-maps.ts";
import type { RunOptions } from "./run-inputs.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { loadModel, type LoadedModel, type LoadOptions } from "../models/load-model.ts";
import { readOnce } from "../sessions/compiled-cache.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { providerOf } from "../sessions/start-explainer.ts";
import { startSessions, type Explainers } from "../sessions/start-sessions.ts";
import { isSilent, say, sayDecisions } from "../terminal/report.ts";

/** The options of runs on pictures. */
export interface PictureOptions extends RunOptions, RunChoices {
  readonly model: string;
  readonly load: LoadOptions;
}

/** The state that all pictures of a run share. */
export interface PictureRun {
  /** Without the model, whose weights have moved to the sessions. */
  readonly loaded: Omit<LoadedModel, "model">;
  readonly explainers: Explainers;
  readonly decision: CompileDecision;
  readonly plan: AnswerPlan;
  readonly coloring: Coloring;
  /** The decisions, in words. */
  readonly settings: [name: string, value: string][];
  /** Warns of what cannot be right in the first picture's numbers; does nothing for others. */
  readonly checkFirst: (input: FloatArray) => Promise<void>;
  /** Pictures at a time. */
  readonly batch: number;
}

/** What is special about a kind of run. */
export interface SpecialRun {
  readonly compile?: CompileOptions;
  /** What replaces `compile` where so many maps come from one pass: channels of a layer, for one answer of each picture. */
  readonly several?: { readonly count: number; readonly compile: CompileOptions };
  readonly settings?: [name: string, value: string][];
  /** What is explained, and how many. @default images */
  readonly inputs?: (decision: CompileDecision) => [name: string, value: string][];
}

/**
 * Loads, compiles and starts the model, and prints the decisions.
 * @param count number of pictures; Infinity where nobody counted them
 * @throws RelpropError for errors of the whole run
 */
export async function startPictures(
  count: number,
  options: PictureOptions,
  threads: SessionThreads,
  special: SpecialRun = {},
): Promise<PictureRun> {
  const { device, batch } = options;
  const silent = isSilent(options);
  const { input, output, outputKind } = options.compile;
  const { model, ...loaded } = await loadModel(options.model, {
    ...options.load,
    explained: withoutUndefined({ input, output, outputKind }),
    quiet: silent,
  });
  const source = { model, id: loaded.id, useCache: options.cache };
  refuseOtherInputs(model, options.compile.input);
  const compile = { filterBy: filterSearch([providerOf(device)]), ...options.compile };
  const decided = await decideCompile({ model, ...loaded }, { ...options, compile }, (wanted) =>
    readOnce(source, wanted),
  );
  const findDoubts = doubtFinder(model, loaded.card.input, () => threads.first.runtime());
  const start = (chosen: CompileDecision["options"]): ReturnType<typeof startSessions> =>
    startSessions(
      source,
      { ...chosen, ...("maps" in chosen ? special.several?.compile : special.compile) },
      { name: loaded.card.name, device, batches: count / batch, threads, isSilent: silent },
    );
  const { size, channels } = loaded.card.input;
  const asked = askedMaps(decided, special.several?.count);
  const numbers = channelCount(channels) * size[0] * size[1];
  const {
    started,
    options: chosen,
    settings: ofMaps,
  } = await startForMaps(decided.options, asked, numbers, start);
  const { explainers, how } = started;
  const decision = { ...decided, options: chosen };
  const { compiled } = explainers[0];
  const coloring = decideColoring(compiled, options);
  const decisions = decisionsInWords(loaded, compiled, decision, coloring);
  const doubts = doubtsOfPixels(loaded.card.input);
  const plain = [...decisions, ...ofMaps, ...(special.settings ?? [])];
  const settings = [...plain, ...doubts.map((doubt): [string, string] => ["warning", doubt])];
  const inputs = special.inputs?.(decision) ?? [["images", String(count)]];
  if (!silent) {
    sayDecisions([...plain, ["compiled", how], ["device", device], ...inputs]);
    printGuesses(loaded, decision);
  }
  const warn = (found: readonly string[]): void => {
    if (options.quiet) return;
    for (const doubt of found) say(`warning: ${doubt} (see --scale, --mean, --std, --card)`);
  };
  warn(doubts);
  const { requests, against, names } = decision;
  const plan = { requests, against, names, size, detection: options.detection ?? {} };
  return {
    loaded,
    explainers,
    decision,
    plan,
    coloring,
    settings,
    checkFirst: onFirst(findDoubts, warn),
    batch: samplesForMaps(batch, compiled),
  };
}

/** @throws OptionError if the model needs inputs besides the picture */
export function refuseOtherInputs(
  { graph }: LoadedModel["model"],
  input: string | undefined,
  fix?: string,
): void {
  const picture = pictureOf(graph, input) ?? pictureOf(graph);
  const others = graph.inputs.filter(({ name }) => name !== picture?.name && !graph.initializers.has(name));
  if (others.length === 0) return;
  const list = others.map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`);
  throw new OptionError({
    what: "cannot explain pictures with this model",
    why: `besides the picture "${picture?.name}" it needs ${list.join(", ")}`,
    fix: fix ?? waysToGive(others, "FILE (.npy, .npz, .csv …)"),
  });
}

/** Prints what was guessed about the model, and which options set it. */
function printGuesses({ card, guesses }: PictureRun["loaded"], { names }: CompileDecision): void {
  if (guesses.length > 0) {
    say(
      `guessed, since no card says it: ${guesses.join("; ")} (set it with --card, --size, --resize, --channels, --mean, --std)`,
    );
  }
  if (names.labels.length > 0 || nameless.has(names.facts.kind)) return;
  const own = card.labels.length;
  const why = own === 0 ? "are not known" : `are not known, those of the model (${own}) do not fit`;
  const hint = zooEntry(card.name)
    ? "`relprop models pull resnet50` fetches ImageNet's"
    : "give them with --labels FILE";
  say(`the names of the classes ${why}: ${hint}`);
}

/** Kinds of output whose numbers need no names. */
const nameless: ReadonlySet<OutputKind> = new Set(["values", "value-map", "embedding", "scores"]);
