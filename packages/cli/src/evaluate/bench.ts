/** Sessions for an evaluation: the model alone, and one for each method that explains. */

import { AnswerSession, sessionModel, type CompileOptions, type Explainer } from "@relprop/core";
import { filterSearch, KeptExplainers, randomized } from "@relprop/core/internal";
import { loadModel, type LoadedModel, type LoadOptions } from "../models/load-model.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { decideCompile, type CompileDecision, type RunChoices } from "../run/decide.ts";
import { refuseOtherInputs } from "../run/start-pictures.ts";
import { readOnce } from "../sessions/compiled-cache.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { providerOf, startExplainer, type Device } from "../sessions/start-explainer.ts";
import { startSessions } from "../sessions/start-sessions.ts";
import type { NamedMethod } from "./methods.ts";

/** What the sessions are made of. */
export interface BenchOptions extends RunChoices {
  readonly model: string;
  readonly load: LoadOptions;
  readonly device: Device;
  readonly cache: boolean;
  readonly isSilent: boolean;
  /** The seed of random weights. */
  readonly seed: number;
}

/** Sessions of one model, for one picture at a time. */
export class Bench {
  /** The model alone. */
  readonly forward: AnswerSession;
  /** By the names of methods; chance has none. */
  readonly explainers: ReadonlyMap<string, MethodSessions>;

  constructor(forward: AnswerSession, explainers: ReadonlyMap<string, MethodSessions>) {
    this.forward = forward;
    this.explainers = explainers;
  }

  /** Frees all sessions. */
  async dispose(): Promise<void> {
    const all = [...this.explainers.values()].flatMap(({ explainer, random }) => [explainer, random]);
    await Promise.all([...all, this.forward].map((each) => each.dispose()));
  }
}

/** Sessions of one method: of the model, and of the model with random weights. */
export interface MethodSessions {
  readonly explainer: Explainer;
  readonly random: KeptExplainers;
}

/** A started bench, and what was decided on the way. */
export interface StartedBench {
  readonly bench: Bench;
  readonly loaded: Omit<LoadedModel, "model">;
  /** What is watched: one answer, also where a method explains the whole prediction. */
  readonly decision: CompileDecision;
}

/**
 * Loads the model and starts all sessions.
 * @throws RelpropError for errors of the whole run
 */
export async function startBench(
  methods: readonly NamedMethod[],
  options: BenchOptions,
  threads: SessionThreads,
): Promise<StartedBench> {
  const { device, isSilent, compile } = options;
  const { input, output, outputKind } = compile;
  const explained = withoutUndefined({ input, output, outputKind });
  // Sessions take the weights with them, so each has a model of its own.
  const load = (): Promise<LoadedModel> =>
    loadModel(options.model, { ...options.load, explained, quiet: isSilent });
  const { model, ...loaded } = await load();
  refuseOtherInputs(model, input);
  const decide = (from: LoadedModel["model"], choices: RunChoices): Promise<CompileDecision> =>
    decideCompile({ model: from, ...loaded }, choices, (wanted) =>
      readOnce({ model: from, id: loaded.id, useCache: options.cache }, wanted),
    );
  const { method: _none, ...choices } = options;
  const decision = await decide(model, { ...choices, needsAnswer: true });
  const explainers = new Map<string, MethodSessions>();
  for (const { name, composite, method } of methods) {
    if (composite === undefined && method === undefined) continue;
    const own = await load();
    const given: CompileOptions = {
      filterBy: filterSearch([providerOf(device)]),
      ...compile,
      ...(composite !== undefined && { composite }),
    };
    const decided = await decide(own.model, {
      ...choices,
      compile: given,
      ...(method !== undefined && { method: { method } }),
    });
    const source = { model: own.model, id: own.id, useCache: options.cache };
    const plan = { name: `${loaded.card.name}, ${name},`, device, batches: 1, threads, isSilent };
    const { explainers: started } = await startSessions(source, decided.options, plan);
    const random = new KeptExplainers(async (share) => {
      const other = randomized((await load()).model, share, options.seed);
      return startExplainer(sessionModel(other, decided.options), device, await threads.first.runtime());
    });
    explainers.set(name, { explainer: started[0], random });
  }
  return { bench: new Bench(await forward(model, decision, device, threads), explainers), loaded, decision };
}

/** The model alone, with the output that is watched. */
async function forward(
  model: LoadedModel["model"],
  { options }: CompileDecision,
  device: Device,
  threads: SessionThreads,
): Promise<AnswerSession> {
  const { input, output, outputKind, labelCount, size, start, operators, set } = options;
  return new AnswerSession({
    ...withoutUndefined({ input, output, outputKind, labelCount, size, start, operators, set }),
    // Relevance is taken out of this graph again, so it needs no rules.
    fallback: "gradient",
    ort: await threads.first.runtime(),
    model,
    sessionOptions: { executionProviders: [providerOf(device)], logSeverityLevel: 3 },
  });
}
