/** One run for inputs of any kind: sessions, progress, what failed, interruption, records and the exit status. */

import { availableParallelism } from "node:os";
import { InputError } from "@relprop/core";
import { throughStages, type Abreast, type Stages } from "./stages.ts";
import { SessionThreads } from "../sessions/session-thread.ts";
import type { Device } from "../sessions/start-explainer.ts";
import type { Explainers } from "../sessions/start-sessions.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { startProgress } from "../terminal/progress.ts";
import { failureRecord, say, sayError, summaryText, type ReportOptions } from "../terminal/report.ts";

/** What every run can be told, whatever it explains. */
export interface RunOptions extends ReportOptions, Abreast {
  readonly device: Device;
  /** Whether compiled models are kept for the next run. */
  readonly cache: boolean;
  /** Whether what is done already is done again, and what relprop did not write is written over. */
  readonly force: boolean;
}

/** Inputs that are read, and written, at a time where nothing is said. */
export const usualJobs = (): number => Math.min(4, Math.max(2, availableParallelism()));

/** A sample that failed. */
export interface Failed {
  /** How the user knows it. */
  readonly name: string;
  readonly error: InputError;
}

/** Inputs, and what is done with them. */
export interface Work<Input, Ready, Found, Result> extends Stages<Input, Ready, Found, Result> {
  readonly inputs: Iterable<Input> | AsyncIterable<Input>;
  /** How many samples they are altogether; undefined where only their end tells. */
  readonly total: number | undefined;
  /** How many samples an input is. @default 1 */
  readonly samplesIn?: (input: Input) => number;
  readonly explainers: Explainers;
  /** What a sample is, in a word: `image`. */
  readonly noun: string;
  /** What is made of them, in a word: `heatmaps`. */
  readonly makes: string;
  /** How the user named one. */
  readonly nameOf: (input: Input) => string;
  /** Whether the next run goes on where this one ends. */
  readonly canResume: boolean;
  /** Keeps a result; they come in the order of the inputs. */
  readonly keep: (result: Result) => void | Promise<void>;
  /** What is printed of a result: lines for people, or records; nothing where it is empty. */
  readonly textOf: (result: Result) => string;
  /** Samples of a result that failed although others of the same input did not, and why. */
  readonly failedIn?: (result: Result) => readonly Failed[];
  /** Writes what shows all results, and gives its path, if there is anything to show. */
  readonly finish: () => Promise<string | undefined>;
}

/**
 * Explains all inputs. Those that fail are named and left out.
 * @param start when the run began, as `performance.now()` has it
 * @param begin makes all ready; the threads are where sessions are made
 * @param interrupted asked between inputs and batches; true ends the run after what was begun
 * @returns the exit status
 * @throws RelpropError for what concerns the run as a whole
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
      const goOn = canResume ? "; run the same command again to go on" : "";
      say(`stopped after ${seen()}${total === undefined ? "" : ` of ${total}`}${goOn}`);
      return exitCodes.interrupted;
    }
    return count.failed > 0 ? exitCodes.someFailed : exitCodes.done;
  } finally {
    await threads.close();
  }
}
