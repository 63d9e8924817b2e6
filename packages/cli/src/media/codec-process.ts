/**
 * The codecs, in a process of their own: native code that reads files of anybody can hang, end its process or complain
 * on stderr, and none of it reaches the run but as one error.
 */

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Readable, Writable } from "node:stream";
import type { Answered, Asked } from "./jobs.ts";
import { messages, send, type Message } from "./wire.ts";

/** What went wrong, in a few words; the caller knows what it was doing to which file. */
export class MediaFailure extends Error {
  override readonly name = "MediaFailure";
  /** What to do, if the file is not to blame. */
  readonly fix: string | undefined;

  constructor(why: string, fix?: string) {
    super(why);
    this.fix = fix;
  }
}

/** Beside the code that runs: built once it is built. */
const worker = new URL(
  import.meta.url.endsWith(".ts") ? "./codec-worker.ts" : "./codec-worker.js",
  import.meta.url,
);

/** Milliseconds without an answer after which the process counts as hung. */
const patience = 30_000;

/** One that has nothing to do, for the next file: to start one takes longer than to read a short sound. */
const idle: CodecProcess[] = [];

/** One job after another. Whoever takes it gives it back with {@link CodecProcess.release} or ends it. */
export class CodecProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncGenerator<Message<Answered>, void, undefined>;
  #isOver = false;

  private constructor() {
    this.#child = spawn(process.execPath, [...process.execArgv, fileURLToPath(worker)], {
      stdio: ["pipe", "pipe", "ignore"],
      windowsHide: true,
    });
    // Heard where its answers end.
    this.#child.on("error", () => this.end());
    this.#child.stdin.on("error", () => undefined);
    this.#child.on("exit", () => {
      this.#isOver = true;
      this.#forget();
    });
    this.#answers = messages(this.#child.stdout);
  }

  /** One that is free. */
  static take(): CodecProcess {
    const taken = idle.pop() ?? new CodecProcess();
    taken.#keepAlive(true);
    return taken;
  }

  /** Asks for something, or gives a frame. Waits while the pipe is full. */
  async ask(asked: Asked, body?: Uint8Array): Promise<void> {
    await send(this.#child.stdin, asked, body);
  }

  /**
   * The next answer of one of some kinds.
   * @throws MediaFailure if there is another: the job failed, or the process hangs or is gone
   */
  async next<Kind extends Answered["is"]>(
    ...kinds: readonly Kind[]
  ): Promise<Message<Extract<Answered, { is: Kind }>>> {
    const { done, value } = await inTime(this.#answers.next(), () => this.end());
    if (done === true)
      throw new MediaFailure("the decoder ended: the file is damaged, or of no kind that it knows");
    const { head } = value;
    if (head.is === "failed") {
      if (head.isLast) this.end();
      throw new MediaFailure(head.why);
    }
    if (head.is === "missing") {
      throw new MediaFailure(`what decodes it is not there (${head.why})`, "npm install @mediabunny/server");
    }
    if (!(kinds as readonly string[]).includes(head.is))
      throw new MediaFailure(`"${head.is}" came out of turn`);
    return value as Message<Extract<Answered, { is: Kind }>>;
  }

  /** The job is done: keeps the process for another, as long as this one lives. */
  release(): void {
    if (this.#isOver || idle.length > 0) return this.end();
    this.#keepAlive(false);
    idle.push(this);
  }

  /** Ends it, whatever it does. */
  end(): void {
    this.#isOver = true;
    this.#forget();
    this.#child.kill("SIGKILL");
  }

  #forget(): void {
    const at = idle.indexOf(this);
    if (at !== -1) idle.splice(at, 1);
  }

  /** Whether this process waits for that one before it exits. */
  #keepAlive(isAwaited: boolean): void {
    for (const each of [this.#child, this.#child.stdin, this.#child.stdout]) {
      const handle = each as { ref?: () => void; unref?: () => void };
      if (isAwaited) handle.ref?.();
      else handle.unref?.();
    }
  }
}

async function inTime<Value>(promise: Promise<Value>, giveUp: () => void): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      giveUp();
      reject(new MediaFailure(`the decoder gave nothing for ${patience / 1000} s: the file is damaged`));
    }, patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
