/** An error -> the response for the app. */

import { RelpropError } from "@relprop/core";
import { studioMessage } from "@relprop/engine/studio-message";
import type { EngineResponse } from "@relprop/engine/protocol";

/** Other errors come from ONNX Runtime: the first line is the message, the rest is its stack. */
export function errorResponse(id: number, error: unknown): EngineResponse {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const text =
    error instanceof RelpropError
      ? studioMessage(error)
      : `the local engine failed: ${message.split("\n")[0]}`;
  return { id, say: "error", name, message: text };
}
