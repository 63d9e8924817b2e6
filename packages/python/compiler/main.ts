/**
 * The compiler behind the Python package: requests on standard input, answers on standard output, one after the other, as
 * frames of the engine's protocol. It ends when its input does, so it never outlives the process that started it.
 */

import { RelpropError, UnexplainableError } from "@relprop/core";
import { encodeMessage } from "@relprop/engine/protocol";
import { answer, type CompilerRequest } from "./answer.ts";
import { framesIn } from "./frames.ts";

/** An error as the other side raises it: the parts of its message, and obstacles. */
function errorOf(error: unknown): object {
  if (!(error instanceof RelpropError)) {
    const { name, stack, message } = error instanceof Error ? error : new Error(String(error));
    return { name, message: stack ?? message };
  }
  const { name, message, what, where, why, fix } = error;
  const obstacles = error instanceof UnexplainableError ? error.obstacles : [];
  return { name, message, what, where, why, fix, obstacles };
}

const write = (message: object): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(encodeMessage(message), (error) => (error ? reject(error) : resolve()));
  });

for await (const message of framesIn(process.stdin)) {
  const request = message as CompilerRequest;
  const { id } = request;
  try {
    await write({ id, say: "answer", answer: await answer(request) });
  } catch (error) {
    await write({ id, say: "error", ...errorOf(error) });
  }
}
