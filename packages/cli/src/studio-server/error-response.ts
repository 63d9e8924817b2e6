/** An error -> what the app is told of it. */

import { RelpropError } from "@relprop/core";
import { browserMessage } from "@relprop/engine/browser-message";
import type { EngineResponse } from "@relprop/engine/protocol";

/** What is not ours is ONNX Runtime's: its first line says it, the rest is its stack. */
export function errorResponse(id: number, error: unknown): EngineResponse {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const text =
    error instanceof RelpropError
      ? browserMessage(error)
      : `the local engine failed: ${message.split("\n")[0]}`;
  return { id, say: "error", name, message: text };
}
