/** What the command's exit status means. Scripts rely on it. */

import { InputError, ModelFileError, OptionError, UnexplainableError } from "@relprop/core";

export const exitCodes = {
  done: 0,
  /** Some inputs failed; each was named on stderr, the others are done. */
  someFailed: 1,
  usage: 2,
  unexplainable: 3,
  modelFile: 4,
  /** Ctrl-C, after what was being written. */
  interrupted: 130,
} as const;

/** The exit status an error ends the command with; undefined for one that relprop doesn't throw on purpose. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof OptionError) return exitCodes.usage;
  if (error instanceof UnexplainableError) return exitCodes.unexplainable;
  if (error instanceof ModelFileError) return exitCodes.modelFile;
  if (error instanceof InputError) return exitCodes.someFailed;
  return undefined;
}
