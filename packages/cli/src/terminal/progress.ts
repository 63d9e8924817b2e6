/**
 * The progress of a long job on stderr: on a terminal a bar with rate and remaining time, otherwise a line every ten
 * seconds, and nothing with `quiet`.
 */

import { cursorTo, clearLine } from "node:readline";
import cliProgress from "cli-progress";

/** A running job. */
export interface Progress {
  /** Sets the finished amount, and a short note at the end of the bar. */
  update(done: number, note?: string): void;
  /** Prints a line to stdout above the bar. */
  line(text: string): void;
  /** Lets other code write to stderr above the bar. */
  say(write: () => void): void;
  /** Ends the bar; further calls do nothing. */
  stop(): void;
}

/** The job to show. */
export interface Job {
  /** What is counted, in a word: `heatmaps`, `vgg16.pth`. */
  readonly name: string;
  /** Undefined if only the end tells. */
  readonly total: number | undefined;
  /** Formats a count. @default the number */
  readonly text?: (count: number) => string;
  /** Shows nothing but the lines of {@link Progress.line}. */
  readonly quiet?: boolean;
}

const secondsBetweenLines = 10;

/** Starts to show a job. */
export function startProgress(job: Job): Progress {
  if (job.quiet === true || job.total === 0) return silent;
  return process.stderr.isTTY && process.env["TERM"] !== "dumb" ? bar(job) : lines(job);
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const silent: Progress = {
  update: () => undefined,
  line: print,
  say: (write) => write(),
  stop: () => undefined,
};

function bar(job: Job): Progress {
  const { name, total, text = String } = job;
  const clock = stopwatch(job);
  const single = new cliProgress.SingleBar(
    {
      stream: process.stderr,
      format: (_options, params, { note }: { note?: string }) => {
        const share = Math.round(20 * params.progress);
        const drawn = "█".repeat(share) + "░".repeat(20 - share);
        const counted =
          total === undefined ? text(params.value) : `${drawn} ${text(params.value)}/${text(total)}`;
        return `${name} ${counted} · ${clock(params.value)}${note ? ` · ${note}` : ""}`;
      },
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  );
  single.start(total ?? 0, 0, { note: "" });
  return {
    update: (done, note = "") => single.update(done, { note }),
    line: (text) => {
      clear();
      print(text);
    },
    say: (write) => {
      clear();
      write();
    },
    stop: () => single.stop(),
  };
}

/** Removes the bar until it is drawn again. */
function clear(): void {
  clearLine(process.stderr, 0);
  cursorTo(process.stderr, 0);
}

function lines(job: Job): Progress {
  const { name, total, text = String } = job;
  const clock = stopwatch(job);
  let last = performance.now();
  return {
    update: (done, note) => {
      const now = performance.now();
      if (now - last < 1000 * secondsBetweenLines) return;
      last = now;
      process.stderr.write(
        `${name} ${text(done)}${total === undefined ? "" : `/${text(total)}`} · ${clock(done)}${note ? ` · ${note}` : ""}\n`,
      );
    },
    line: print,
    say: (write) => write(),
    stop: () => undefined,
  };
}

/** Rate and time left, in words. */
function stopwatch({ total, text = (count) => count.toFixed(1) }: Job): (done: number) => string {
  const start = performance.now();
  return (done) => {
    const seconds = (performance.now() - start) / 1000;
    if (done === 0 || seconds === 0) return "starting";
    const rate = done / seconds;
    const left = total === undefined ? "" : ` · ${duration((total - done) / rate)} left`;
    return `${text(rate)}/s${left}`;
  };
}

/** Formats seconds: `12 s`, `7m 45s`, `2h 3m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

const megabytes = new Intl.NumberFormat("en", { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });

/** Formats bytes as MB (10⁶). */
export const megabyteText = (bytes: number): string => megabytes.format(bytes / 1e6);

/** Shows that something of unknown length is running, at once and then every ten seconds. */
export function startWaiting(text: string, quiet: boolean): { stop(): void } {
  if (quiet) return { stop: () => undefined };
  const start = performance.now();
  process.stderr.write(`${text} …\n`);
  const timer = setInterval(() => {
    process.stderr.write(`${text} … ${duration((performance.now() - start) / 1000)}\n`);
  }, 1000 * secondsBetweenLines);
  return { stop: () => clearInterval(timer) };
}
