/** The whole of `relprop explain`: images in, heatmaps and a page out. */

import { join } from "node:path";
import { version, type Explainer } from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { explainBatch, type ExplainedImage } from "./explain-batch.ts";
import { htmlPage } from "./html-page.ts";
import { imageResultSchema, type ImageResult } from "./image-result.ts";
import type { ExplainOptions, Pending, Run } from "./image-run.ts";
import { resultText } from "./image-text.ts";
import { knownFiles } from "./result-names.ts";
import { writeImage } from "./write-image.ts";
import { resultHash } from "../files/manifest.ts";
import { readBytes, readImage, type ImageFile } from "../files/read-images.ts";
import type { BatchPlan } from "../run/answer-picks.ts";
import { openImages } from "../run/open-images.ts";
import { runInputs, type Work } from "../run/run-inputs.ts";
import { startPictures } from "../run/start-pictures.ts";

/** What came of an image, and its share of its batch's time in milliseconds. */
interface Found {
  readonly explained: ExplainedImage;
  readonly ms: number;
}

const pageName = "index.html";
/** What maps are drawn on: with the crop alone, as earlier versions did it, they are out of date. */
const drawing = "whole pictures";

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
  const { images, ...open } = await openImages(sources, options, imageResultSchema, [pageName]);
  return runInputs(
    options,
    start,
    async (threads) => {
      const run = { ...open, options, ...(await startPictures(images.length, options, threads)) };
      return workOn(images, run);
    },
    interrupted,
  );
}

function workOn(images: readonly ImageFile[], run: Run): Work<ImageFile, Pending, Found, Kept> {
  const { options, explainers, manifest } = run;
  return {
    inputs: images,
    explainers,
    noun: "image",
    makes: "heatmaps",
    nameOf: ({ path }) => path,
    canResume: true,
    prepare: (image) => prepare(run, image),
    explain: (batch) => {
      const input = preprocess(
        batch.map(({ picture }) => picture),
        run.loaded.card.input,
      );
      const pictures = batch.map(({ picture }) => picture.geometry);
      return async (explainer) => explain({ ...run.plan, pictures }, explainer, input);
    },
    write: async (image, { explained, ms }) => ({
      hash: image.hash,
      result: await writeImage(run, image, explained, ms),
    }),
    keep: ({ hash, result }) => manifest.add(hash, result),
    textOf: ({ result }) => resultText(result, options),
    finish: () => writePage(run),
  };
}

/** A result, and what it was made of and how, as one number. */
interface Kept {
  readonly hash: string;
  readonly result: ImageResult;
}

/** Reads an image, or finds that it was explained just so before. */
async function prepare(
  { options, loaded, explainers, decision, coloring, manifest, writer }: Run,
  image: ImageFile,
): Promise<{ readonly ready: Pending } | { readonly earlier: Kept }> {
  const bytes = await readBytes(image.path);
  const hash = resultHash(bytes, {
    version,
    model: loaded.id,
    card: loaded.card,
    settings: explainers[0].compiled.settings,
    requests: decision.requests,
    against: decision.against,
    facts: decision.names.facts,
    detection: options.detection,
    method: options.method,
    ledger: options.compile.ledger,
    coloring,
    styles: options.styles,
    extras: options.extras,
    theme: options.theme,
    drawing,
  });
  const result = options.force ? undefined : await manifest.done(image.key, hash);
  if (result) return { earlier: { hash, result: { ...result, input: image.path } } };
  await writer.check(knownFiles(decision, options, image.key));
  return { ready: { ...image, hash, picture: await readImage(image.path, bytes, loaded.card.input) } };
}

async function explain(
  plan: BatchPlan,
  explainer: Explainer,
  input: ReturnType<typeof preprocess>,
): Promise<Found[]> {
  const start = performance.now();
  const explained = await explainBatch(explainer, input, plan);
  const ms = Math.round((performance.now() - start) / explained.length);
  return explained.map((each) => ({ explained: each, ms }));
}

async function writePage({ manifest, loaded, settings, writer, options }: Run): Promise<string | undefined> {
  const results = await manifest.all();
  if (results.length === 0) return undefined;
  await writer.ofRun(pageName, htmlPage({ title: `What ${loaded.card.name} saw`, settings, results }));
  return join(options.folder, pageName);
}
