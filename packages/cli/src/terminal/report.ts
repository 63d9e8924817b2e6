/** The output of runs: lines for people on a terminal, or records for programs. stdout has data, stderr messages. */

import picocolors from "picocolors";
import { RelpropError } from "@relprop/core";
import { lastWords } from "./unforeseen.ts";

/** How much is printed, and for whom. */
export interface ReportOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** The output folder. */
  readonly folder: string;
}

/** Whether only errors are printed: with --quiet, or for programs. */
export const isSilent = ({ json, quiet }: Pick<ReportOptions, "json" | "quiet">): boolean => json || quiet;

/** Counts at the end of a run. */
export interface Summary {
  readonly done: number;
  /** Absent if runs do not remember earlier ones. */
  readonly skipped?: number;
  readonly failed: number;
  readonly seconds: number;
  readonly page: string | undefined;
}

const color = picocolors.createColors(picocolors.isColorSupported && process.stderr.isTTY === true);

/** A line on stderr. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints an error in one line (more if it lists obstacles), in the style of all the command's errors. */
export function sayError(error: unknown): void {
  say(`${color.red("relprop:")} ${lastWords(error)}`);
}

/** Prints the decisions in as few lines as they fit. */
export function sayDecisions(decisions: readonly (readonly [string, string])[], width = 110): void {
  let line = "";
  for (const [name, value] of decisions) {
    const part = `${name} ${value}`;
    if (line !== "" && line.length + part.length + 3 > width) {
      say(color.dim(line));
      line = "";
    }
    line = line === "" ? part : `${line} · ${part}`;
  }
  say(color.dim(line));
}

/** The record of a failed input, for programs. */
export function failureRecord(about: Readonly<Record<string, unknown>>, error: unknown): string {
  const parts =
    error instanceof RelpropError
      ? { what: error.what, why: error.why, fix: error.fix }
      : { why: lastWords(error) };
  return JSON.stringify({ v: 2, ...about, error: parts });
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** The summary of a run, for people. @param noun singular noun for an input: `image` */
export function summaryText({ done, skipped, failed, seconds, page }: Summary, noun: string): string[] {
  const lines = [`${counted(done, noun)} explained in ${seconds.toFixed(1)} s`];
  if (skipped) lines[0] += `, ${skipped} unchanged since the last run (--force redoes them)`;
  if (page !== undefined) lines.push(`look at ${page}`);
  if (failed > 0) {
    // Samples of a file fail alike every time; a file of its own may be mended.
    const again =
      skipped === undefined || noun === "sample" ? "" : "; run the same command again to try only those";
    lines.push(`${counted(failed, noun)} failed, see above${again}`);
  }
  return lines;
}
