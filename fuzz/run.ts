/**
 * The fuzzer: damaged models, checkpoints, cards, composites, arrays and tables, used as the program uses them. Never: a crash,
 * more than five seconds of the processor for one input, a gigabyte of memory, an error that is not relprop's own, outputs that are not the model's,
 * relevance of a sample that depends on its batch mates.
 *
 *     npm run fuzz -- [--seconds 60] [--rounds N] [--seed 1] [--round N]
 *
 * Findings are printed and kept in fuzz/findings; --round repeats one. What is mended goes into fuzz/corpus.
 */

import { fork, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Order, Report } from "./child.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    rounds: { type: "string", default: "Infinity" },
    seed: { type: "string", default: "1" },
    round: { type: "string" },
  },
});
const seed = Number(options.seed);
const only = options.round !== undefined;
const end = Date.now() + 1000 * Number(options.seconds);
const patience = 5000;

const counts = new Map<string, number>();
let findings = 0;
let rounds = 0;

/** Milliseconds of the processor that a process has had, where Linux tells: others may keep the machine busy. */
function processorTime(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return 0;
  }
}

const isOver = (): boolean => Date.now() > end || rounds >= Number(options.rounds);

/** Deaths and hangs of the bare model are ONNX Runtime's. */
const isOurs = (step: string): boolean => !step.startsWith("bare");

function found(round: number, kind: string, what: string, bytes?: string): void {
  findings++;
  process.stdout.write(`\nround ${round}, ${kind}: ${what}\n`);
  if (bytes === undefined) return;
  const folder = new URL("findings/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${seed}-${round}.${kind}`, folder), Buffer.from(bytes, "base64"));
}

const count = (kind: string, outcome: string): void => {
  rounds++;
  const key = `${kind}: ${outcome}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

/** Runs a process until it ends, dies or hangs; gives the round to go on with, undefined at the end. */
async function until(first: number): Promise<number | undefined> {
  const child: ChildProcess = fork(fileURLToPath(new URL("child.ts", import.meta.url)), {
    execArgv: [...process.execArgv, "--max-old-space-size=1024"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let errors = "";
  child.stderr?.on("data", (part: Buffer) => (errors = `${errors}${part.toString()}`.slice(-2000)));
  let at: { round: number; kind: string; step: string } = { round: first, kind: "", step: "start" };
  let timer: NodeJS.Timeout | undefined;
  let hangs = false;
  const watch = (): void => {
    clearTimeout(timer);
    const [since, before] = [Date.now(), processorTime(child.pid)];
    const look = (): void => {
      const spent = processorTime(child.pid) - before;
      hangs = spent > patience || Date.now() - since > 10 * patience;
      if (hangs) child.kill("SIGKILL");
      else timer = setTimeout(look, 500);
    };
    timer = setTimeout(look, 500);
  };
  child.send({ seed, first, only } satisfies Order);
  child.on("message", (report: Report) => {
    watch();
    if ("step" in report) at = report;
    else if ("outcome" in report) count(report.kind, report.outcome);
    else {
      count(report.kind, "finding");
      found(report.round, report.kind, report.finding, report.bytes);
    }
    if ("step" in report && report.step === "make" && isOver() && !only) child.kill("SIGTERM");
  });
  const signal = await new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once("exit", (code, killed) => resolve(killed ?? code));
  });
  clearTimeout(timer);
  if (signal === 0 || signal === "SIGTERM") return undefined;
  const { round, kind, step } = at;
  const how = hangs ? `hangs for ${patience / 1000} s` : `dies (${signal}) ${errors.trim()}`;
  count(kind, isOurs(step) ? "finding" : `ONNX Runtime ${hangs ? "hangs" : "dies"} of the model`);
  if (isOurs(step)) found(round, kind, `${step}: ${how}`);
  return only ? undefined : round + 1;
}

let next: number | undefined = Number(options.round ?? 0);
while (next !== undefined) {
  next = await until(next);
  if (!only && isOver()) break;
}

for (const [key, times] of [...counts].sort()) process.stdout.write(`${String(times).padStart(7)}  ${key}\n`);
process.stdout.write(`${rounds} rounds of seed ${seed}, ${findings} findings\n`);
process.exitCode = findings === 0 ? 0 : 1;
