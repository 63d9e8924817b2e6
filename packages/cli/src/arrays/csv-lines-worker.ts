/** The worker side of {@link CsvLinesThread}. */

import { parentPort } from "node:worker_threads";
import { csvText, type LinesAnswer, type LinesJob } from "./csv-lines.ts";

parentPort?.on("message", ({ job: id, ...lines }: LinesJob) => {
  const text = csvText(lines);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage({ id, text } satisfies LinesAnswer, [text.buffer]);
});
