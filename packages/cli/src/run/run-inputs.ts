/** A run over inputs of any kind: sessions, progress, failures, interruption, records and the exit status. */

import { availableParallelism } from "node:os";
import { InputError } from "@relprop/core";
import { throughStages, type ParallelLimits, type Stages } from "./stages.ts";
import { SessionThreads } from "../sessions/session-thread.ts";
import type { Device } from "../sessions/start-explainer.ts";
import type { Explainers } from "../sessions/start-sessions.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { startProgress } from "../terminal/progress.ts";
import { failureRecord, say, sayError, summaryText, type ReportOptions } from "../terminal/report.ts";

/** The options that all kinds of runs share. */
export interface RunOptions extends ReportOptions, ParallelLimits {
  readonly device: Device;
  /** Whether compiled models are cached. */
  readonly cache: boolean;
  /** Whether finished results are redone, and foreign files overwritten. */
  readonly force: boolean;
}

/** The default number of inputs that are read, and written, at a time. */
export const usualJobs = (): number => Math.min(4, Math.max(2, availableParallelism()));

/** A sample that failed. */
export interface Failed {
  /** The sample's name for the user. */
  readonly name: string;
  readonly error: InputError;
}

/** The inputs, and how they are processed. */
export interface Work<Input, Ready, Found, Result> extends Stages<Input, Ready, Found, Result> {
  readonly inputs: Iterable<Input> | AsyncIterable<Input>;
  /** How many samples they are altogether; undefined where only their end tells. */
  readonly total: number | undefined;
  /** How many samples an input is. @default 1 */
  readonly samplesIn?: (input: Input) => number;
  readonly explainers: Explainers;
  /** The singular noun for a sample: `image`. */
  readonly noun: string;
  /** The plural noun for results: `heatmaps`. */
  readonly makes: string;
  /** The user's name for an input. */
  readonly nameOf: (input: Input) => string;
  /** Whether the next run continues where this one ends. */
  readonly canResume: boolean;
  /** Stores a result; called in the order of the inputs. */
  readonly keep: (result: Result) => void | Promise<void>;
  /** The printed form of a result: lines for people, or records; empty text is not printed. */
  readonly textOf: (result: Result) => string;
  /** Samples of a result that failed while others of the same input did not. */
  readonly failedIn?: (result: Result) => readonly Failed[];
  /** Writes an overview of all results; returns its path, if there is one. */
  readonly finish: () => Promise<string | undefined>;
}

/**
 * Explains all inputs. Inputs that fail are reported and left out.
 * @param start time of the run's start, from `performance.now()`
 * @param begin prepares the run; sessions are created in the given threads
 * @param interrupted polled between inputs and batches; true ends the run after the current work
 * @returns the exit status
 * @throws RelpropError for errors of the whole run
 */
export async function runInputs<Input, Ready, Found, Result>(
  options: RunOptions,
  start: number,
  begin: (threads: SessionThreads) => Promise<Work<Input, Ready, Found, Result>>,
  interrupted: () => boolean,
): Promise<number> {
  const { json, quiet, folder, jobs, batch } = options;
  const threads = new SessionThreads();
  try {
    const work = await begin(threads);
    const { inputs, explainers, noun, canResume, total, samplesIn = () => 1, failedIn = () => [] } = work;
    const progress = startProgress({ name: work.makes, total, quiet: quiet || json });
    const count = { done: 0, skipped: 0, failed: 0 };
    const seen = (): number => count.done + count.skipped + count.failed;
    const fail = (name: string, error: InputError): void => {
      count.failed++;
      if (json) progress.line(failureRecord(name, error));
      progress.say(() => sayError(error));
    };
    try {
      for await (const each of throughStages(inputs, work, { explainers, jobs, batch }, interrupted)) {
        const { input, done, skipped, error } = each;
        const result = done ?? skipped;
        if (result !== undefined) {
          const failed = failedIn(result);
          count[done === undefined ? "skipped" : "done"] += samplesIn(input) - failed.length;
          if (done !== undefined) await work.keep(done);
          const text = json || !quiet ? work.textOf(result) : "";
          if (text !== "") progress.line(text);
          for (const { name, error: why } of failed) fail(name, why);
        } else {
          if (!(error instanceof InputError)) throw error;
          fail(work.nameOf(input), error);
          count.failed += samplesIn(input) - 1;
        }
        progress.update(seen(), count.failed > 0 ? `${count.failed} failed` : "");
      }
    } finally {
      progress.stop();
      await Promise.all(explainers.map((explainer) => explainer.dispose()));
    }
    const page = await work.finish();
    const { done, skipped, failed } = count;
    const seconds = (performance.now() - start) / 1000;
    const summary = { done, ...(canResume && { skipped }), failed, seconds };
    if (json) process.stdout.write(`${JSON.stringify({ v: 2, summary: { ...summary, folder, page } })}\n`);
    else if (!quiet || count.failed > 0)
      for (const line of summaryText({ ...summary, page }, noun)) say(line);
    if (interrupted()) {
      const goOn = canResume ? "; run the same command again to continue" : "";
      say(`stopped after ${seen()}${total === undefined ? "" : ` of ${total}`}${goOn}`);
      return exitCodes.interrupted;
    }
    return count.failed > 0 ? exitCodes.someFailed : exitCodes.done;
  } finally {
    await threads.close();
  }
}
