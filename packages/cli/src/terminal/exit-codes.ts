/** The command's exit codes. Scripts rely on them. */

import { InputError, ModelFileError, OptionError, UnexplainableError } from "@relprop/core";

export const exitCodes = {
  done: 0,
  /** Some inputs failed and were named on stderr; the others are done. */
  someFailed: 1,
  usage: 2,
  unexplainable: 3,
  modelFile: 4,
  /** The system refused something (a full disk, a folder that cannot be written), or relprop failed in a way it did not foresee. */
  unforeseen: 5,
  /** Ended by Ctrl-C, after the current writes. */
  interrupted: 130,
} as const;

/** The exit code for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof OptionError) return exitCodes.usage;
  if (error instanceof UnexplainableError) return exitCodes.unexplainable;
  if (error instanceof ModelFileError) return exitCodes.modelFile;
  if (error instanceof InputError) return exitCodes.someFailed;
  return exitCodes.unforeseen;
}
