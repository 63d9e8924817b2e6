/** A model and how it is to be compiled -> explainers, from what earlier runs kept where that is there. */

import { availableParallelism } from "node:os";
import type { CompileOptions, Explainer, MethodOptions, SessionModel } from "@relprop/core";
import { compileOnce, type Source } from "./compiled-cache.ts";
import { canKeep, keepOptimized, startingFromKept } from "./optimized-cache.ts";
import type { SessionThreads } from "./session-thread.ts";
import { providerOf, startExplainer, type Device } from "./start-explainer.ts";
import { weightBytes } from "../models/load-model.ts";
import { startWaiting } from "../terminal/progress.ts";

/** Sessions of the same model: each explains a batch at a time. */
export type Explainers = readonly [Explainer, ...Explainer[]];

/** Where and for how much sessions are started. */
export interface SessionPlan {
  /** What the model is called. */
  readonly name: string;
  readonly device: Device;
  /** How many batches there will be. */
  readonly batches: number;
  readonly threads: SessionThreads;
  readonly isSilent: boolean;
}

/**
 * Compiles a model and starts it. Its weights are the sessions' from then on.
 * @returns the sessions, and in words how the model came to be compiled
 * @throws what compiling throws, ModelFileError if it cannot be started
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
    // What is optimized for a GPU is not written as a graph.
    const explainers: Explainers =
      key !== undefined && providerOf(device) === "cpu"
        ? await startKept({ key, model, weights }, batches, threads)
        : [await startExplainer(model, device, await threads.first.runtime())];
    return { explainers, how };
  } finally {
    waiting.stop();
  }
}

/** From so many batches on, a second session is worth its start. */
const many = 4;

/** Larger networks keep all cores busy by themselves, and a second copy of what was made of their weights is no trifle. */
const mostWeights = 2.5e8;

/**
 * Starts a model on the CPU. Of many batches two are explained at a time, on half of the cores each: then no core waits
 * for the others at the end of every operator, and the filter's sorting, which is one thread's work, keeps none idle.
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
