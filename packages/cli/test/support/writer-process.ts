/** A process that wants files which others want as well: PATH ROUNDS, or PATH die to be killed in the middle. */

import { appendFile, rename, rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { madeOnce } from "../../src/files/one-writer.ts";
import { exists } from "../../src/files/exists.ts";

const [base = "", rounds = ""] = process.argv.slice(2);

/** Writes in two steps to a part that all processes share, as a download does: two at a time would spoil it. */
async function make(path: string): Promise<void> {
  await rm(`${path}.part`, { force: true });
  await appendFile(`${path}.part`, "who");
  await setTimeout(20);
  if (rounds === "die") process.kill(process.pid, "SIGKILL");
  await appendFile(`${path}.part`, "le\n");
  await rename(`${path}.part`, path);
}

for (let round = 0; round < (Number(rounds) || 1); round++) {
  const path = `${base}${round}`;
  await madeOnce(
    { path, what: "a file", quiet: true, stale: 2000 },
    () => exists(path),
    () => make(path),
  );
}
