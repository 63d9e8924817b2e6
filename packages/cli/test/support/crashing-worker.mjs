/** A thread that dies of every job. */
import { parentPort } from "node:worker_threads";

parentPort?.on("message", () => {
  throw new Error("out of memory");
});
