/** The worker side of {@link SessionThread}: sessions of onnxruntime-node, without other code of relprop. */

import { parentPort } from "node:worker_threads";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import type { NamedNumbers, SessionAnswer, SessionJob } from "./session-thread.ts";

// Errors are thrown; ONNX Runtime would also print them.
env.logLevel = "fatal";

const sessions = new Map<number, InferenceSession>();

/** Creates a session; if the optimized model cannot be written, it is created without, since the weights exist only here. */
async function create({ model, options }: SessionJob & { do: "create" }): Promise<InferenceSession> {
  const start = (chosen: InferenceSession.SessionOptions): Promise<InferenceSession> =>
    typeof model === "string"
      ? InferenceSession.create(model, chosen)
      : InferenceSession.create(model, chosen);
  const { optimizedModelFilePath, ...others } = options;
  if (optimizedModelFilePath === undefined) return start(options);
  return start(options).catch(() => start(others));
}

async function answer(job: SessionJob): Promise<NamedNumbers> {
  if (job.do === "nothing") return {};
  if (job.do === "create") {
    sessions.set(job.session, await create(job));
    return {};
  }
  const session = sessions.get(job.session);
  if (!session) throw new Error(`there is no session ${job.session}`);
  if (job.do === "release") {
    sessions.delete(job.session);
    await session.release();
    return {};
  }
  const feeds = Object.entries(job.feeds).map(
    ([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)] as const,
  );
  const given = Object.fromEntries(feeds);
  const results = await (job.fetches ? session.run(given, job.fetches) : session.run(given));
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, data, dims }]) => [name, { type, data, dims }]),
  );
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const say = (given: SessionAnswer): void => parentPort?.postMessage(given);

parentPort?.on("message", (job: SessionJob) => {
  const { job: id } = job;
  answer(job).then(
    (results) => say({ id, results }),
    (error: unknown) => say({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
