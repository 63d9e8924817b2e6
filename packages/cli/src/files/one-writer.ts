/** One process at a time makes what several want. */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { lock } from "proper-lockfile";
import { OptionError } from "@relprop/core";
import { say } from "../terminal/report.ts";

/** What is made by one, and waited for by others. */
export interface Wanted {
  /** What is locked; it need not exist. `<path>.lock` is there meanwhile. */
  readonly path: string;
  /** What others are told that they wait for: `resnet50`. */
  readonly what: string;
  readonly quiet: boolean;
  /** A lock whose owner has not touched it for so long is a dead one's: milliseconds, 2000 or more. @default 20000 */
  readonly stale?: number;
}

/**
 * Makes something unless it is there, while no other process does. Who comes later waits, and finds it made; if its maker died,
 * the next one takes over after 20 seconds.
 * @param isThere looked at before and after waiting
 * @throws OptionError if the folder cannot be written
 */
export async function madeOnce(
  { path, what, quiet, stale = 20_000 }: Wanted,
  isThere: () => Promise<boolean>,
  make: () => Promise<void>,
): Promise<void> {
  if (await isThere()) return;
  const release = await acquired(path, stale, () => {
    if (!quiet) say(`waiting for another relprop, which is making ${what}`);
  });
  try {
    if (!(await isThere())) await make();
  } finally {
    await release();
  }
}

async function acquired(path: string, stale: number, onWait: () => void): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw cannotLock(path, error);
  });
  for (let round = 0; ; round++) {
    try {
      return await lock(path, { realpath: false, stale, update: stale / 4 });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ELOCKED"))
        throw cannotLock(path, error);
    }
    if (round === 3) onWait();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const cannotLock = (path: string, error: unknown): OptionError =>
  new OptionError({
    what: `cannot write to "${dirname(path)}"`,
    why: error instanceof Error ? error.message : String(error),
    fix: "set RELPROP_CACHE to a folder that can be written",
  });
