/** The whole of `relprop explain`: images in, heatmaps and a page out. */

import { join } from "node:path";
import { InputError } from "@relprop/core";
import { EarlierResults, leftOutText } from "../files/earlier-results.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { htmlPage } from "./html-page.ts";
import type { ImageResult } from "./image-result.ts";
import { startRun, type ExplainOptions, type Run } from "./image-run.ts";
import { throughStages } from "./image-stages.ts";
import { startProgress } from "../terminal/progress.ts";
import { findImages } from "../files/read-images.ts";
import { failureRecord, say, sayError, summaryText } from "../terminal/report.ts";
import { resultText } from "./image-text.ts";
import { Manifest } from "../files/manifest.ts";
import { SessionThreads } from "../sessions/session-thread.ts";
import { ResultWriter } from "../files/result-writer.ts";

/**
 * Explains images and writes heatmaps, a manifest and a page. Images that fail are named and left out.
 * @param interrupted asked between images and batches; true ends the run after what was begun.
 * @returns the exit status
 * @throws RelpropError for what concerns the run as a whole.
 */
export async function explainImages(
  sources: readonly string[],
  options: ExplainOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const { folder, force } = options;
  const manifest = await Manifest.open(folder, force);
  const lists = (path: string): boolean => manifest.lists(path);
  const { images, leftOut } = await findImages(sources, await EarlierResults.in(folder, lists));
  const inputs = images.map(({ path }) => path);
  const writer = await ResultWriter.create(folder, { inputs, force, lists });
  await writer.checkOfRun([pageName]);
  if (leftOut > 0 && !options.quiet && !options.json) say(leftOutText(leftOut, folder));
  const threads = new SessionThreads();
  try {
    const run = await startRun(images, options, { threads, writer, manifest });
    const progress = startProgress({
      name: "heatmaps",
      total: images.length,
      quiet: options.quiet || options.json,
    });
    const count = { done: 0, skipped: 0, failed: 0 };
    const seen = (): number => count.done + count.skipped + count.failed;
    const report = (result: ImageResult): void => {
      if (options.json || !options.quiet) progress.line(resultText(result, options));
    };
    try {
      for await (const { image, done, skipped, error } of throughStages(run, images, interrupted)) {
        if (done) {
          count.done++;
          await run.manifest.add(done.hash, done.result);
          report(done.result);
        } else if (skipped) {
          count.skipped++;
          report({ ...skipped, input: image.path });
        } else {
          if (!(error instanceof InputError)) throw error;
          count.failed++;
          if (options.json) progress.line(failureRecord(image.path, error));
          progress.say(() => sayError(error));
        }
        progress.update(seen(), count.failed > 0 ? `${count.failed} failed` : "");
      }
    } finally {
      progress.stop();
      await Promise.all(run.explainers.map((explainer) => explainer.dispose()));
    }

    const page = await writePage(run);
    const seconds = (performance.now() - start) / 1000;
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ v: 2, summary: { ...count, seconds, folder: options.folder, page } })}\n`,
      );
    else if (!options.quiet || count.failed > 0)
      for (const line of summaryText({ ...count, seconds, page })) say(line);
    if (interrupted()) {
      say(`stopped after ${seen()} of ${images.length}; run the same command again to go on`);
      return exitCodes.interrupted;
    }
    return count.failed > 0 ? exitCodes.someFailed : exitCodes.done;
  } finally {
    await threads.close();
  }
}

const pageName = "index.html";

async function writePage(run: Run): Promise<string | undefined> {
  const results = await run.manifest.all();
  if (results.length === 0) return undefined;
  const title = `What ${run.loaded.card.name} saw`;
  await run.writer.ofRun(pageName, htmlPage({ title, settings: run.decisions, results }));
  return join(run.options.folder, pageName);
}
