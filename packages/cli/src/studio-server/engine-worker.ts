/** The worker side of {@link EngineThread}: one model per client, run by onnxruntime-node. */

import { parentPort, workerData } from "node:worker_threads";
import type { EngineResponse } from "@relprop/engine/protocol";
import { errorResponse } from "./error-response.ts";
import type { Job, ThreadSettings } from "./engine-thread.ts";
import { NativeEngine, nativeRuntime } from "./native-engine.ts";

const { device, known } = workerData as ThreadSettings;
const engines = new Map<number, NativeEngine>();

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const say = (response: EngineResponse): void => parentPort?.postMessage(response);

async function answer(job: Job): Promise<void> {
  const { job: id, client } = job;
  if (job.do === "leave") {
    await engines.get(client)?.dispose();
    engines.delete(client);
    return say({ id, say: "answer", answer: [] });
  }
  const engine = engines.get(client) ?? new NativeEngine(await nativeRuntime(device), known);
  engines.set(client, engine);
  const onProgress = (fraction: number, what: string): void => say({ id, say: "progress", fraction, what });
  say({ id, say: "answer", answer: await engine.answer(job.request, onProgress) });
}

parentPort?.on("message", (job: Job) => {
  answer(job).catch((error: unknown) => say(errorResponse(job.job, error)));
});
