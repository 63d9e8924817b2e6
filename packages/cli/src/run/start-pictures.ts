/** A model of pictures, loaded, decided about, compiled and started; and what was decided, said. */

import { filterSearch, type CompileOptions, type OutputKind } from "@relprop/core";
import { zooEntry } from "@relprop/core/zoo";
import type { AnswerPlan } from "./answer-picks.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
  type RunChoices,
} from "./decide.ts";
import type { RunOptions } from "./run-inputs.ts";
import { given } from "../given.ts";
import { loadModel, type LoadedModel, type LoadOptions } from "../models/load-model.ts";
import { readOnce } from "../sessions/compiled-cache.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { providerOf } from "../sessions/start-explainer.ts";
import { startSessions, type Explainers } from "../sessions/start-sessions.ts";
import { isSilent, say, sayDecisions } from "../terminal/report.ts";

/** What runs over pictures can be told. */
export interface PictureOptions extends RunOptions, RunChoices {
  readonly model: string;
  readonly load: LoadOptions;
}

/** What all pictures of a run share. */
export interface PictureRun {
  /** Without the model: its weights are the sessions'. */
  readonly loaded: Omit<LoadedModel, "model">;
  readonly explainers: Explainers;
  readonly decision: CompileDecision;
  readonly plan: AnswerPlan;
  readonly coloring: Coloring;
  /** What was decided, in words. */
  readonly settings: [name: string, value: string][];
}

/**
 * Loads, compiles and starts the model, and says what was decided.
 * @param count of pictures
 * @param special what this kind of run compiles besides, and says of it
 * @throws RelpropError for what concerns the run as a whole
 */
export async function startPictures(
  count: number,
  options: PictureOptions,
  threads: SessionThreads,
  special: { readonly compile?: CompileOptions; readonly settings?: [name: string, value: string][] } = {},
): Promise<PictureRun> {
  const { device, batch } = options;
  const silent = isSilent(options);
  const { input, output, outputKind } = options.compile;
  const { model, ...loaded } = await loadModel(options.model, {
    ...options.load,
    explained: given({ input, output, outputKind }),
    quiet: silent,
  });
  const source = { model, id: loaded.id, useCache: options.cache };
  const compile = { filterBy: filterSearch([providerOf(device)]), ...options.compile };
  const decision = await decideCompile({ model, ...loaded }, { ...options, compile }, (wanted) =>
    readOnce(source, wanted),
  );
  const { explainers, how } = await startSessions(
    source,
    { ...decision.options, ...special.compile },
    { name: loaded.card.name, device, batches: count / batch, threads, isSilent: silent },
  );
  const { compiled } = explainers[0];
  const coloring = decideColoring(compiled, options);
  const decisions = decisionsInWords(loaded, compiled, decision, coloring);
  const settings = [...decisions, ...(special.settings ?? [])];
  if (!silent) {
    sayDecisions([...settings, ["compiled", how], ["device", device], ["images", String(count)]]);
    sayGuesses(loaded, decision);
  }
  const { requests, against, names } = decision;
  const { size } = loaded.card.input;
  const plan = { requests, against, names, size, detection: options.detection ?? {} };
  return { loaded, explainers, decision, plan, coloring, settings };
}

/** Says what nobody told of the model, and how it can be told. */
function sayGuesses({ card, guesses }: PictureRun["loaded"], { names }: CompileDecision): void {
  if (guesses.length > 0) {
    say(
      `guessed, since no card says it: ${guesses.join("; ")} (--card, --size, --resize, --channels, --mean, --std say it)`,
    );
  }
  if (names.labels.length > 0 || nameless.has(names.facts.kind)) return;
  const own = card.labels.length;
  const why = own === 0 ? "are not known" : `are not known, those of the model (${own}) do not fit`;
  const hint = zooEntry(card.name)
    ? "`relprop models pull resnet50` brings ImageNet's"
    : "give them with --labels FILE";
  say(`the names of the classes ${why}: ${hint}`);
}

/** Outputs whose numbers are no classes. */
const nameless: ReadonlySet<OutputKind> = new Set(["values", "value-map", "embedding", "scores"]);
