/** Runs of the command in a test file: a folder for all of them, an output folder for each, and what they say. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";

/** The folder, what one test writes to and what it said so far. */
export interface CommandRuns {
  readonly folder: string;
  /** Is not there before the command makes it. */
  out: string;
  /** A test may empty them on its way. */
  stdout: string;
  stderr: string;
}

/**
 * Makes the folder before the file's own hooks and takes it away behind them; streams are heard in each test.
 * @param name of the folder, for those who find it
 * @param hasCache whether the command's cache lies in it, too
 */
export function commandRuns(name: string, hasCache = true): CommandRuns {
  const runs = { folder: "", out: "", stdout: "", stderr: "" };
  let count = 0;
  beforeAll(async () => {
    runs.folder = await mkdtemp(join(tmpdir(), `relprop-${name}-`));
    if (hasCache) vi.stubEnv("RELPROP_CACHE", join(runs.folder, "cache"));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(runs.folder, { recursive: true });
  });
  beforeEach(() => {
    runs.out = join(runs.folder, `out${++count}`);
    [runs.stdout, runs.stderr] = ["", ""];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => (runs.stdout += String(text)) !== "");
    vi.spyOn(process.stderr, "write").mockImplementation((text) => (runs.stderr += String(text)) !== "");
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return runs;
}
