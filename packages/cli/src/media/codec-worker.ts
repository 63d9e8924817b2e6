/** The process with the codecs: reads jobs from stdin, answers on stdout. */

import { setTimeout } from "node:timers/promises";
import type { Answered, Asked, ReadSoundJob } from "./jobs.ts";
import { readFilm } from "./read-film-job.ts";
import { readSound } from "./read-sound-job.ts";
import { messages, send } from "./wire.ts";
import { writeFilm } from "./write-film-job.ts";

const answer = (head: Answered, body?: Uint8Array): Promise<void> => send(process.stdout, head, body);

async function answerSound(job: ReadSoundJob): Promise<void> {
  for await (const { head, body } of readSound(job)) await answer(head, body);
}

/** In words of ours where the library only says that something is not as it must be. */
const wordsOf = (error: unknown): string => {
  const words = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  return words.startsWith("Assertion failed") ? "it is damaged" : words;
};

// The run ends its films itself; who started it has it end, too.
process.on("SIGINT", () => undefined);
process.stdout.on("error", () => process.exit());

/** Milliseconds in which decoders that failed may complain once more: that must not count for the next file. */
const aftermath = 30;
/** Milliseconds that a job may go on after a decoder complained where nobody waits for it. */
const grace = 500;

let complain: (error: unknown) => void = () => process.exit(1);
process.on("uncaughtException", (error) => complain(error));

/** Does a job, or says why it failed. */
async function attempt(job: () => Promise<void>): Promise<void> {
  const complaint = new Promise<never>((_resolve, reject) => {
    complain = reject;
  });
  const done = job();
  try {
    await Promise.race([done, complaint]);
  } catch (error) {
    complain = () => undefined;
    const isOver = done.then(
      () => true,
      () => true,
    );
    const isLast = !(await Promise.race([isOver, setTimeout(grace, false)]));
    await setTimeout(aftermath);
    await answer({ is: "failed", why: wordsOf(error), isLast });
    if (isLast) process.exit(1);
  } finally {
    complain = () => process.exit(1);
  }
}

let isLoaded = false;

async function load(): Promise<string | undefined> {
  try {
    const { registerMediabunnyServer } = await import("@mediabunny/server");
    if (!isLoaded) registerMediabunnyServer();
    isLoaded = true;
    return undefined;
  } catch (error) {
    return wordsOf(error).replace(/ imported from .*/, "");
  }
}

const asked = messages<Asked>(process.stdin);
// Not `for await`: frames that follow a job are taken from the same pipe.
for (;;) {
  const { done, value } = await asked.next();
  if (done === true) break;
  const { head } = value;
  const missing = await load();
  if (missing !== undefined) await answer({ is: "missing", why: missing });
  else if (head.do === "read film") await attempt(() => readFilm(head, answer));
  else if (head.do === "read sound") await attempt(() => answerSound(head));
  else if (head.do === "write film") await attempt(() => writeFilm(head, answer, asked));
}
process.exit();
