/** Ctrl-C: the first ends a run after what was begun, the second does not wait. */

import { exitCodes } from "./exit-codes.ts";

/** Does work that can be interrupted. @param work is given a question to ask between its parts: whether it is to end */
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
