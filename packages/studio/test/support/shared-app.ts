/** The app that is built once for all test files of a run: {@link sharedApp} is where, and it goes when the run ends. */

import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @param run the process of the run: the parent of those that run the files */
export const sharedApp = (run: number): string => join(tmpdir(), `relprop-test-app-${run}`);

/** Vitest's global set-up: nothing before the first file, and this after the last. */
export default function setUp(): () => Promise<void> {
  return () => rm(sharedApp(process.pid), { recursive: true, force: true });
}
