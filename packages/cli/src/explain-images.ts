/** The whole of `relprop explain`: images in, heatmaps and a page out. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError, ModelFileError, RelpropError, version, type Explainer } from "relprop";
import { colormap, cssGradient, legend, renderHeatmap, type Pixels } from "relprop/heatmap";
import { preprocess } from "relprop/preprocess";
import { zooEntry } from "relprop/zoo";
import { fileNamePart } from "./choose-classes.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
  type Wishes,
} from "./decide.ts";
import { exitCodes } from "./exit-codes.ts";
import { explainBatch, type ExplainedClass, type ExplainedImage } from "./explain-batch.ts";
import { htmlPage } from "./html-page.ts";
import { ledgerResult, type ClassResult, type ImageResult } from "./image-result.ts";
import { loadModel, type LoadedModel, type LoadOptions } from "./load-model.ts";
import { startProgress, startWaiting } from "./progress.ts";
import { findImages, readImage, type ImageFile } from "./read-images.ts";
import {
  failureRecord,
  resultText,
  say,
  sayDecisions,
  sayError,
  summaryText,
  type ReportOptions,
} from "./report.ts";
import { Manifest, resultHash } from "./resume.ts";
import { startExplainer, type Device } from "./start-explainer.ts";
import { ResultWriter, type Extra, type Style } from "./write-results.ts";

/** Everything that `relprop explain` can be told. */
export interface ExplainOptions extends ReportOptions, Wishes {
  readonly model: string;
  readonly load: LoadOptions;
  readonly device: Device;
  readonly batch: number;
  readonly styles: readonly Style[];
  readonly extras: readonly Extra[];
  readonly force: boolean;
}

/** An image that has to be explained. */
interface Pending extends ImageFile {
  readonly hash: string;
  readonly picture: Pixels;
}

/** What all images of a run share. */
interface Run {
  readonly options: ExplainOptions;
  readonly loaded: LoadedModel;
  readonly explainer: Explainer;
  readonly decision: CompileDecision;
  readonly coloring: Coloring;
  readonly decisions: [string, string][];
  readonly writer: ResultWriter;
  readonly manifest: Manifest;
}

/**
 * Explains images and writes heatmaps, a manifest and a page. Images that fail are named and left out.
 * @param interrupted asked between batches; true ends the run after what was begun.
 * @returns the exit status
 * @throws RelpropError for what concerns the run as a whole.
 */
export async function explainImages(
  sources: readonly string[],
  options: ExplainOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const isSilent = options.quiet || options.json;
  const images = await findImages(sources);
  const run = await startRun(images, options, isSilent);
  const progress = startProgress({ name: "heatmaps", total: images.length, quiet: isSilent });
  const count = { done: 0, skipped: 0, failed: 0 };
  const seen = (): number => count.done + count.skipped + count.failed;
  const report = (result: ImageResult): void => {
    if (options.json || !options.quiet) progress.line(resultText(result, options));
  };
  const fail = (input: string, error: unknown): void => {
    if (!(error instanceof InputError)) throw error;
    count.failed++;
    if (options.json) progress.line(failureRecord(input, error));
    progress.say(() => sayError(error));
  };
  const flush = async (batch: readonly Pending[]): Promise<void> => {
    if (batch.length === 0) return;
    for (const { image, result, error } of await explainAndWrite(run, batch)) {
      if (result) {
        count.done++;
        report(result);
      } else fail(image.path, error);
    }
    progress.update(seen(), count.failed > 0 ? `${count.failed} failed` : "");
  };

  let batch: Pending[] = [];
  try {
    for (const image of images) {
      if (interrupted()) break;
      try {
        const next = await prepare(run, image);
        if ("result" in next) {
          count.skipped++;
          report({ ...next.result, input: image.path });
          progress.update(seen());
          continue;
        }
        batch.push(next);
      } catch (error) {
        fail(image.path, error);
        continue;
      }
      if (batch.length < options.batch) continue;
      await flush(batch);
      batch = [];
    }
    if (!interrupted()) await flush(batch);
  } finally {
    progress.stop();
    await run.explainer.dispose();
  }

  const page = await writePage(run);
  const seconds = (performance.now() - start) / 1000;
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ v: 1, summary: { ...count, seconds, folder: options.folder, page } })}\n`,
    );
  else if (!options.quiet || count.failed > 0)
    for (const line of summaryText({ ...count, seconds, page })) say(line);
  if (interrupted()) {
    say(`stopped after ${seen()} of ${images.length}; run the same command again to go on`);
    return exitCodes.interrupted;
  }
  return count.failed > 0 ? exitCodes.someFailed : exitCodes.done;
}

async function startRun(
  images: readonly ImageFile[],
  options: ExplainOptions,
  isSilent: boolean,
): Promise<Run> {
  const { folder, device } = options;
  const loaded = await loadModel(options.model, { ...options.load, quiet: isSilent });
  const decision = decideCompile(loaded, options);
  const waiting = startWaiting(
    `starting ${loaded.card.name} on ${device}`,
    isSilent || !process.stderr.isTTY,
  );
  let explainer: Explainer;
  try {
    explainer = await startExplainer(loaded.model, device, decision.options);
  } finally {
    waiting.stop();
  }
  const coloring = decideColoring(explainer.compiled, options);
  const decisions = decisionsInWords(loaded, explainer.compiled, decision, coloring);
  if (!isSilent) {
    sayDecisions([...decisions, ["device", device], ["images", String(images.length)]]);
    if (loaded.guesses.length > 0) {
      say(
        `guessed, since no card says it: ${loaded.guesses.join("; ")} (--card, --size, --channels, --mean, --std say it)`,
      );
    }
    if (loaded.card.labels.length === 0) say(`the names of the classes are not known: ${labelsHint(loaded)}`);
  }
  const writer = await ResultWriter.create(
    folder,
    images.map(({ path }) => path),
  );
  return {
    options,
    loaded,
    explainer,
    decision,
    coloring,
    decisions,
    writer,
    manifest: await Manifest.open(folder),
  };
}

/** How the names of the classes can be had. */
const labelsHint = ({ card }: LoadedModel): string =>
  zooEntry(card.name) ? "`relprop models pull resnet50` brings ImageNet's" : "give them with --labels FILE";

/** Reads an image, or finds that it was explained just so before. */
async function prepare(run: Run, image: ImageFile): Promise<Pending | { readonly result: ImageResult }> {
  const { options, loaded } = run;
  const bytes = await readFile(image.path).catch((error: unknown) => {
    throw new InputError({
      what: `cannot read "${image.path}"`,
      why: error instanceof Error ? error.message : String(error),
    });
  });
  const hash = resultHash(bytes, {
    version,
    model: loaded.id,
    card: loaded.card,
    settings: run.explainer.compiled.settings,
    classes: run.decision.classes,
    against: run.decision.against,
    method: options.method,
    ledger: options.compile.ledger,
    coloring: run.coloring,
    styles: options.styles,
    extras: options.extras,
  });
  const result = options.force ? undefined : await run.manifest.done(image.key, hash);
  return result
    ? { result }
    : { ...image, hash, picture: await readImage(image.path, bytes, loaded.card.input) };
}

/** What came of an image: a result or an error. */
interface Outcome {
  readonly image: Pending;
  readonly result?: ImageResult;
  readonly error?: unknown;
}

async function explainAndWrite(run: Run, batch: readonly Pending[]): Promise<Outcome[]> {
  const start = performance.now();
  const { card } = run.loaded;
  const input = preprocess(
    batch.map(({ picture }) => picture),
    card.input,
  );
  const { classes, against } = run.decision;
  const explained = await explainBatch(run.explainer, input, classes, card.labels, against).catch(
    (error: unknown) => {
      if (error instanceof RelpropError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ModelFileError(
        { what: "cannot run the model", why, fix: "try a smaller batch (-b 1)" },
        { cause: error },
      );
    },
  );
  const ms = Math.round((performance.now() - start) / batch.length);
  const outcomes: Outcome[] = [];
  for (const [i, image] of batch.entries()) {
    try {
      const result = await writeImage(run, image, explained[i] ?? { top: [], classes: [] }, ms);
      await run.manifest.add(image.hash, result);
      outcomes.push({ image, result });
    } catch (error) {
      outcomes.push({ image, error });
    }
  }
  return outcomes;
}

async function writeImage(
  run: Run,
  image: Pending,
  explained: ExplainedImage,
  ms: number,
): Promise<ImageResult> {
  const { options, writer, coloring } = run;
  if (explained.classes.length === 0) {
    throw new InputError({
      what: `cannot explain "${image.path}"`,
      why: `its best class is the one that --against names, "${explained.top[0]?.label}"`,
      fix: "name the class to explain with --class",
    });
  }
  const files = await writer.picture(image.key, image.picture, options.styles);
  const classes: ClassResult[] = [];
  for (const each of explained.classes) classes.push(await writeClass(run, image, each));
  const result: ImageResult = {
    key: image.key,
    input: image.path,
    settings: run.decisions,
    colors: cssGradient(colormap(coloring.colormap)),
    files,
    top: [...explained.top],
    classes,
    ms,
  };
  if (options.extras.includes("json")) {
    const json = await writer.bytes(
      `${image.key}.json`,
      `${JSON.stringify({ v: 1, ...result }, undefined, 2)}\n`,
    );
    return { ...result, files: { ...files, json } };
  }
  return result;
}

async function writeClass(
  run: Run,
  image: Pending,
  { score, relevance, against, ledger }: ExplainedClass,
): Promise<ClassResult> {
  const { options, coloring, writer } = run;
  const { width, height } = image.picture;
  const map = { data: summedOverChannels(relevance.data, width * height), width, height };
  const heatmap = renderHeatmap(map, coloring);
  const suffix = run.decision.classes ? `.${part(score)}` : "";
  const name = `${image.key}${suffix}${against ? `.rather-than-${part(against)}` : ""}`;
  const files = await writer.heatmap(name, image.picture, heatmap, relevance, options);
  const what = against ? `${score.label}” rather than “${against.label}` : score.label;
  return {
    ...score,
    ...(against && { against }),
    files,
    legend: mutable(legend(heatmap, coloring.normalize, run.decision.classes ? what : undefined)),
    ...(ledger && { ledger: ledgerResult(ledger) }),
  };
}

/** A class as part of a file's name. */
const part = ({ index, label }: Readonly<{ index: number; label: string }>): string =>
  `${index}-${fileNamePart(label)}`;

const mutable = ({ ticks, sentence }: ReturnType<typeof legend>): ClassResult["legend"] => ({
  ticks: [...ticks],
  sentence,
});

/** [C, H, W] -> [H, W]; relevance that is summed already passes. */
function summedOverChannels(data: Float32Array, pixels: number): Float32Array {
  if (data.length === pixels) return data;
  const sum = new Float32Array(pixels);
  for (const [i, value] of data.entries()) sum[i % pixels] = (sum[i % pixels] ?? 0) + value;
  return sum;
}

async function writePage(run: Run): Promise<string | undefined> {
  const results = await run.manifest.all();
  if (results.length === 0) return undefined;
  const title = `What ${run.loaded.card.name} saw`;
  await run.writer.bytes("index.html", htmlPage({ title, settings: run.decisions, results }));
  return join(run.options.folder, "index.html");
}
