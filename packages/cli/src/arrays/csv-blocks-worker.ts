/** The worker side of a table's reader: parses rows and turns them into numbers, without other code of relprop. */

import { parentPort, workerData } from "node:worker_threads";
import { CsvBlocks, type CsvSource } from "./csv-blocks.ts";
import type { BlockAnswer, BlockJob } from "./csv.ts";

const blocks = new CsvBlocks(workerData as CsvSource);

function post(answer: BlockAnswer, buffers: ArrayBuffer[]): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(answer, buffers);
}

async function answer({ job: id, first, count }: BlockJob): Promise<void> {
  try {
    const block = await blocks.take(first, count);
    post({ id, block }, [block.numbers.buffer]);
  } catch (error) {
    post({ id, why: error instanceof Error ? error.message : String(error) }, []);
  }
}

// One after the other, as they are asked for.
let last = Promise.resolve();
parentPort?.on("message", (job: BlockJob) => {
  last = last.then(() => answer(job));
});
