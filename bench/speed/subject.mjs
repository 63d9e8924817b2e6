/** One subject in a process of its own: started and warmed by `start`, then run when it is its turn. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { inWasm, ours } from "./rows.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Threads for every library that a subject may use, so that none takes more than it is given. */
const environment = (threads) => ({
  ...process.env,
  PYTHONDONTWRITEBYTECODE: "1",
  OMP_NUM_THREADS: `${threads}`,
  MKL_NUM_THREADS: `${threads}`,
});

export class Subject {
  #child;
  #lines;
  #error = "";

  constructor(task, python) {
    const command = isOurs(task.subject)
      ? [process.execPath, [here("relprop-worker.mjs"), JSON.stringify(task)]]
      : [python, [here("../peers/speed/peers.py"), JSON.stringify(task)]];
    this.task = task;
    this.#child = spawn(...command, { env: environment(task.threads), stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (text) => (this.#error = `${this.#error}${text}`.slice(-4000)));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Facts about it, once it is warm. */
  async start() {
    return this.#answer();
  }

  /** Seconds of one run. */
  async run() {
    this.#child.stdin.write("run\n");
    return (await this.#answer()).seconds;
  }

  /** The largest memory that the process had, in bytes. */
  async stop() {
    this.#child.stdin.write("stop\n");
    const { peakBytes } = await this.#answer();
    await this.#ended();
    return peakBytes;
  }

  async kill() {
    this.#child.kill();
    await this.#ended();
  }

  #ended() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return undefined;
    return new Promise((resolve) => this.#child.once("exit", resolve));
  }

  async #answer() {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.task.subject} ended early:\n${this.#error}`);
      if (value.startsWith("{")) return JSON.parse(value);
    }
  }
}

const isOurs = (subject) => ours.includes(subject) || inWasm.includes(subject);
