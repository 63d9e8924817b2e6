/** Ctrl-C: the first one ends a run after its current work, the second ends it at once. */

import { exitCodes } from "./exit-codes.ts";

/** Does work that can be interrupted. @param work receives a function that it polls between its parts */
export async function interruptible<Result>(
  work: (interrupted: () => boolean) => Promise<Result>,
): Promise<Result> {
  let interruptions = 0;
  const onInterrupt = (): void => {
    if (++interruptions > 1) process.exit(exitCodes.interrupted);
  };
  process.on("SIGINT", onInterrupt);
  try {
    return await work(() => interruptions > 0);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}
