/** What an evaluation depends on: for its results, and in words. */

import { version } from "@relprop/core";
import type { EvaluateOptions, EvaluationRun } from "./evaluation-run.ts";
import type { NamedMethod } from "./methods.ts";

/** Settings that change what is measured about a method's maps, or how they are drawn. */
export function evaluationSettings(
  { loaded, decision, bench, options, coloring }: EvaluationRun,
  method: NamedMethod,
): object {
  const { metrics, baseline, patch, steps, subsets, seed, masks, detection } = options;
  const { explainer } = bench.explainers.get(method.name) ?? {};
  return {
    evaluate: 1,
    version,
    model: loaded.id,
    card: loaded.card,
    method,
    settings: explainer?.compiled.settings,
    requests: decision.requests,
    against: decision.against,
    facts: decision.names.facts,
    detection,
    metrics,
    baseline,
    patch,
    steps,
    subsets,
    seed,
    masks,
    coloring,
  };
}

/** Decisions that every method takes for itself. */
const ofMethods = new Set([
  "composite",
  "bounds",
  "dialect",
  "seed",
  "filter",
  "strides",
  "colours",
  "method",
  "layer",
]);

/** The settings in words: those of the model and the answer, and how it is measured. */
export function settingsInWords(
  decisions: readonly (readonly [name: string, value: string])[],
  model: string,
  { methods, metrics, baseline, patch, steps, seed }: EvaluateOptions,
): (readonly [name: string, value: string])[] {
  const shared = decisions.filter(([name]) => !ofMethods.has(name));
  return [
    ...(shared.length > 0 ? shared : [["model", model] as const]),
    ["methods", methods.map(({ name }) => name).join(", ")],
    ["metrics", metrics.join(", ")],
    ["baseline", baseline],
    ["patches", patch === undefined ? "a sixteenth of the shorter side" : `${patch} pixels`],
    ["steps", String(steps)],
    ["seed of random numbers", String(seed)],
  ];
}
