/** Of many processes one makes what all want; the others wait, also for one that dies. */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Workshop } from "./support/output-runs.ts";

const register = fileURLToPath(new URL("./support/register-typescript.mjs", import.meta.url));
const writer = fileURLToPath(new URL("./support/writer-process.ts", import.meta.url));
const shop = new Workshop();

const run = (...args: string[]): Promise<number | NodeJS.Signals | null> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", register, writer, ...args], { stdio: "inherit" });
    child.once("exit", (code, signal) => resolve(signal ?? code));
  });

test("five processes, twenty rounds: each thing is made once", async () => {
  const path = shop.path("made");
  const ended = await Promise.all(Array.from({ length: 5 }, () => run(path, "20")));
  expect(ended).toEqual([0, 0, 0, 0, 0]);
  for (let round = 0; round < 20; round++) expect(await readFile(`${path}${round}`, "utf8")).toBe("whole\n");
}, 120_000);

test("a writer that is killed is followed by the next one", async () => {
  const path = shop.path("killed");
  expect(await run(path, "die")).toBe("SIGKILL");
  const ended = await Promise.all(Array.from({ length: 3 }, () => run(path, "1")));
  expect(ended).toEqual([0, 0, 0]);
  expect(await readFile(`${path}0`, "utf8")).toBe("whole\n");
}, 60_000);
