/** A model and its compile options -> explainers, from the caches where possible. */

import { availableParallelism } from "node:os";
import type { CompileOptions, Explainer, MethodOptions, SessionModel } from "@relprop/core";
import { compileOnce, type Source } from "./compiled-cache.ts";
import { canCache, cachingRuntime, cachedRuntime } from "./optimized-cache.ts";
import type { SessionThreads } from "./session-thread.ts";
import { providerOf, startExplainer, type Device } from "./start-explainer.ts";
import { weightBytes } from "../models/load-model.ts";
import { startWaiting } from "../terminal/progress.ts";

/** Sessions of the same model; each explains one batch at a time. */
export type Explainers = readonly [Explainer, ...Explainer[]];

/** Where sessions run, and the amount of work for them. */
export interface SessionPlan {
  /** The model's name. */
  readonly name: string;
  readonly device: Device;
  /** The number of batches. */
  readonly batches: number;
  readonly threads: SessionThreads;
  readonly isSilent: boolean;
}

/**
 * Compiles a model and starts it. Its weights then belong to the sessions.
 * @returns the sessions, and in words whether the compiled model came from the cache
 * @throws errors of compiling; ModelFileError if the model cannot be started
 */
export async function startSessions(
  source: Source,
  options: CompileOptions | MethodOptions,
  { name, device, batches, threads, isSilent }: SessionPlan,
): Promise<{ readonly explainers: Explainers; readonly how: string }> {
  const weights = weightBytes(source.model);
  const waiting = startWaiting(`starting ${name} on ${device}`, isSilent || !process.stderr.isTTY);
  try {
    const { model, key, how } = await compileOnce(source, options);
    // ONNX Runtime cannot write models optimized for a GPU.
    const explainers: Explainers =
      key !== undefined && providerOf(device) === "cpu"
        ? await startOnCpu({ key, model, weights }, batches, threads)
        : [await startExplainer(model, device, await threads.first.runtime())];
    return { explainers, how };
  } finally {
    waiting.stop();
  }
}

/** From this number of batches on, a second session is worth its start. */
const many = 4;

/** Larger networks keep all cores busy, and a second copy of their optimized weights takes too much memory. */
const maxWeightsForTwo = 2.5e8;

/**
 * Starts a model on the CPU. If there are many batches, two sessions run at a time, each on half of the cores: cores then
 * idle less at the end of each operator and during the filter's single-threaded sorting.
 */
async function startOnCpu(
  { key, model, weights }: { readonly key: string; readonly model: SessionModel; readonly weights: number },
  batches: number,
  threads: SessionThreads,
): Promise<Explainers> {
  const runtime = cachingRuntime(await threads.first.runtime(), key, weights);
  const half = Math.floor(availableParallelism() / 2);
  const isShared =
    half > 0 && batches >= many && weights <= maxWeightsForTwo && (await canCache(key, weights));
  const first = await startExplainer(model, "cpu", runtime, isShared ? half : undefined);
  // The second session starts from the cache of the first, whose thread now has the weights.
  const kept = isShared && (await cachedRuntime(await threads.another().runtime(), key));
  return kept ? [first, await startExplainer(model, "cpu", kept, half)] : [first];
}
