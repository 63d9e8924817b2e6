/** Images -> heatmaps and a page. */

import { join } from "node:path";
import type { Explainer } from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { explainBatch, type ExplainedSample } from "../run/explain-batch.ts";
import { htmlPage } from "./html-page.ts";
import type { ImageResult } from "./image-result.ts";
import type { Pending, Run } from "./image-run.ts";
import { resultText } from "./image-text.ts";
import { knownFiles } from "./result-names.ts";
import { writeImage } from "./write-image.ts";
import { resultHash } from "../files/manifest.ts";
import type { InputFile } from "../files/find-files.ts";
import { readBytes, readImage } from "../files/read-images.ts";
import type { BatchPlan } from "../run/answer-picks.ts";
import { resultSettings } from "../run/result-settings.ts";
import { partOf, type Part, type Work } from "../run/run-inputs.ts";

/** The result of an image, and its share of the batch's time in milliseconds. */
interface Found {
  readonly explained: ExplainedSample;
  readonly ms: number;
}

/** The page below the output folder. */
export const imagesPage = "index.html";
/** What maps are drawn on: with the crop alone, as earlier versions did it, they are out of date. */
const drawing = "whole pictures";

/**
 * Explains images and writes heatmaps, a manifest and a page. Images that fail are reported and left out.
 * @param interrupted polled between images and batches; true ends the run after the current work.
 */
export const imagesPart = (images: readonly InputFile[], run: Run, interrupted: () => boolean): Part =>
  partOf(workOn(images, run), { ...run.options, batch: run.batch }, interrupted);

function workOn(images: readonly InputFile[], run: Run): Work<InputFile, Pending, Found, Kept> {
  const { options, explainers, manifest } = run;
  return {
    inputs: images,
    total: images.length,
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
      return async (explainer) => {
        await run.checkFirst(input);
        return explain({ ...run.plan, pictures }, explainer, input);
      };
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

/** A result, and the hash of the image and settings that it was made from. */
interface Kept {
  readonly hash: string;
  readonly result: ImageResult;
}

/** Reads an image, or finds its earlier result for the same bytes and settings. */
async function prepare(
  run: Run,
  image: InputFile,
): Promise<{ readonly ready: Pending } | { readonly earlier: Kept }> {
  const { options, loaded, decision, manifest, writer } = run;
  const bytes = await readBytes(image.path);
  const hash = resultHash(bytes, {
    ...resultSettings(run, options),
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
  const explained = (await explainBatch(explainer, input, plan)).samples();
  const ms = Math.round((performance.now() - start) / explained.length);
  return explained.map((each) => ({ explained: each, ms }));
}

async function writePage({ manifest, loaded, settings, writer, options }: Run): Promise<string | undefined> {
  const results = await manifest.all();
  if (results.length === 0) return undefined;
  await writer.ofRun(imagesPage, htmlPage({ title: `What ${loaded.card.name} saw`, settings, results }));
  return join(options.folder, imagesPage);
}
