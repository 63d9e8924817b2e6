/** A run over inputs of any kind: sessions, progress, failures, interruption, records and the exit status. */

import { availableParallelism } from "node:os";
import { InputError, type Explainer } from "@relprop/core";
import { throughStages, type ParallelLimits, type Sessions, type Stages } from "./stages.ts";
import { SessionThreads } from "../sessions/session-thread.ts";
import type { Device } from "../sessions/start-explainer.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { startProgress, type Progress } from "../terminal/progress.ts";
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
  /** What its record says of it. @default its name, as `input` */
  readonly about?: Readonly<Record<string, unknown>>;
}

/** What a run explains with, and frees at its end. */
export interface Disposable {
  dispose(): Promise<void>;
}

/** The inputs, and how they are processed. */
export interface Work<Input, Ready, Found, Result, Session extends Disposable = Explainer> extends Stages<
  Input,
  Ready,
  Found,
  Result,
  Session
> {
  readonly inputs: Iterable<Input> | AsyncIterable<Input>;
  /** How many samples they are altogether; undefined where only their end tells. */
  readonly total: number | undefined;
  /** How many samples an input is. @default 1 */
  readonly samplesIn?: (input: Input) => number;
  readonly explainers: Sessions<Session>;
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

/** Where no progress is shown. */
const plain: Pick<Progress, "line" | "say"> = {
  line: (text) => process.stdout.write(`${text}\n`),
  say: (write) => write(),
};

/** How many samples of a part came to what. */
export class Tally {
  done = 0;
  skipped = 0;
  failed = 0;
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  /** All that had their turn. */
  get seen(): number {
    return this.done + this.skipped + this.failed;
  }

  /** Counts a sample that failed, and says why. */
  fail(
    name: string,
    error: InputError,
    progress: Pick<Progress, "line" | "say"> = plain,
    about: Failed["about"] = { input: name },
  ): void {
    this.failed++;
    if (this.#json) progress.line(failureRecord(about, error));
    progress.say(() => sayError(error));
  }
}

/** The inputs of one kind in a run. */
export interface Part extends Pick<
  Work<never, never, never, never>,
  "noun" | "total" | "canResume" | "finish"
> {
  /** Explains them all, up to an interruption, and counts them. */
  readonly explain: (tally: Tally) => Promise<void>;
}

/** What a run works on, and with. */
export interface Parts {
  readonly explainers: readonly Disposable[];
  readonly parts: readonly Part[];
}

/** Inputs that are explained batch by batch. Inputs that fail are reported and left out. */
export function partOf<Input, Ready, Found, Result, Session extends Disposable>(
  work: Work<Input, Ready, Found, Result, Session>,
  { json, quiet, jobs, batch }: RunOptions,
  interrupted: () => boolean,
): Part {
  const { inputs, explainers, noun, makes, canResume, total, finish } = work;
  const { samplesIn = () => 1, failedIn = () => [] } = work;
  /** A file that must not be written is the failure of that input alone. */
  const keep = async (input: Input, done: Result, tally: Tally, progress: Progress): Promise<void> => {
    try {
      await work.keep(done);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      tally.fail(work.nameOf(input), error, progress);
      tally.done--;
    }
  };
  const explain = async (tally: Tally): Promise<void> => {
    const progress = startProgress({ name: makes, total, quiet: quiet || json });
    try {
      for await (const each of throughStages(inputs, work, { explainers, jobs, batch }, interrupted)) {
        const { input, done, skipped, error } = each;
        const result = done ?? skipped;
        if (result !== undefined) {
          const failed = failedIn(result);
          tally[done === undefined ? "skipped" : "done"] += samplesIn(input) - failed.length;
          if (done !== undefined) await keep(input, done, tally, progress);
          const text = json || !quiet ? work.textOf(result) : "";
          if (text !== "") progress.line(text);
          for (const { name, error: why, about } of failed) tally.fail(name, why, progress, about);
        } else {
          if (!(error instanceof InputError)) throw error;
          tally.fail(work.nameOf(input), error, progress);
          tally.failed += samplesIn(input) - 1;
        }
        progress.update(tally.seen, tally.failed > 0 ? `${tally.failed} failed` : "");
      }
    } finally {
      progress.stop();
    }
  };
  return { noun, total, canResume, explain, finish };
}

/**
 * Explains inputs of one kind.
 * @param begin prepares the run; sessions are created in the given threads
 * @returns and throws as {@link runParts}
 */
export const runInputs = <Input, Ready, Found, Result, Session extends Disposable>(
  options: RunOptions,
  start: number,
  begin: (threads: SessionThreads) => Promise<Work<Input, Ready, Found, Result, Session>>,
  interrupted: () => boolean,
): Promise<number> =>
  runParts(
    options,
    start,
    async (threads) => {
      const work = await begin(threads);
      return { explainers: work.explainers, parts: [partOf(work, options, interrupted)] };
    },
    interrupted,
  );

/**
 * Explains inputs of several kinds, one kind after the other, by the same sessions.
 * @param start time of the run's start, from `performance.now()`
 * @param begin prepares the run; sessions are created in the given threads
 * @param interrupted polled between inputs and batches; true ends the run after the current work
 * @returns the exit status
 * @throws RelpropError for errors of the whole run
 */
export async function runParts(
  { json, quiet, folder }: RunOptions,
  start: number,
  begin: (threads: SessionThreads) => Promise<Parts>,
  interrupted: () => boolean,
): Promise<number> {
  const threads = new SessionThreads();
  try {
    const { explainers, parts } = await begin(threads);
    const tallies: Tally[] = [];
    const pages: string[] = [];
    let begun = start;
    try {
      for (const { noun, canResume, total, explain, finish } of parts) {
        if (tallies.length > 0 && interrupted()) break;
        const tally = new Tally(json);
        tallies.push(tally);
        await explain(tally);
        const page = await finish();
        if (page !== undefined) pages.push(page);
        const { done, skipped, failed } = tally;
        const now = performance.now();
        const summary = {
          done,
          ...(canResume && { skipped }),
          failed,
          seconds: (now - begun) / 1000,
          page,
        };
        begun = now;
        if (!json && (!quiet || failed > 0)) for (const line of summaryText(summary, noun)) say(line);
        if (interrupted()) {
          const goOn = canResume ? "; run the same command again to continue" : "";
          say(`stopped after ${tally.seen}${total === undefined ? "" : ` of ${total}`}${goOn}`);
        }
      }
    } finally {
      await Promise.all(explainers.map((explainer) => explainer.dispose()));
    }
    const sum = (of: "done" | "skipped" | "failed"): number =>
      tallies.reduce((total, tally) => total + tally[of], 0);
    const failed = sum("failed");
    if (json) {
      const canResume = parts.some((part) => part.canResume);
      const seconds = (performance.now() - start) / 1000;
      const counts = { done: sum("done"), ...(canResume && { skipped: sum("skipped") }), failed };
      const summary = { ...counts, seconds, folder, page: pages[0] };
      process.stdout.write(`${JSON.stringify({ v: 2, summary })}\n`);
    }
    if (interrupted()) return exitCodes.interrupted;
    return failed > 0 ? exitCodes.someFailed : exitCodes.done;
  } finally {
    await threads.close();
  }
}
