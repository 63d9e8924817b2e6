/** The whole of `relprop explain` for arrays, tables and signals: numbers in, relevance, figures and a page out. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError, type InputArray } from "@relprop/core";
import { arrayPage } from "./array-page.ts";
import { arrayResultSchema, type ArrayResult } from "./array-result.ts";
import { bindFile, closeBeside, fileOf, numberFed, type BoundFile } from "./array-inputs.ts";
import type { ArrayRunOptions } from "./array-options.ts";
import { fileLine, fileRecord, mostLines, recordLines, sampleLine } from "./array-text.ts";
import { arrayDrawer } from "./draw-arrays.ts";
import { seenPicture } from "./fed-pictures.ts";
import { arrayFiles } from "./open-file.ts";
import { filledUp, type Taken } from "./part.ts";
import { hasRows, RunFile, type ExplainedBlock } from "./run-file.ts";
import { startArrays, type ArrayRun } from "./start-arrays.ts";
import { imageFiles, isOfKind, type FileKind, type InputFile } from "../files/find-files.ts";
import type { Manifest } from "../files/manifest.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { filesWithSound, soundFiles } from "../sounds/read-sound.ts";
import { refuseWindows } from "../sounds/sound-plan.ts";
import { sampleFailure, windowPlace, windowTime } from "../sounds/window-text.ts";
import { sha256OfFile } from "../models/download.ts";
import { isSilent, say } from "../terminal/report.ts";
import { explainBatch, type ExplainedBatch } from "../run/explain-batch.ts";
import { resultSettings } from "../run/result-settings.ts";
import { openInputs } from "../run/open-inputs.ts";
import { runInputs, type Failed, type Work } from "../run/run-inputs.ts";

const pageName = "arrays.html";

/** Arrays and sounds, and pictures that stand beside arrays. */
const mainFiles = ({ feeds, hasFilms }: ArrayRunOptions): FileKind => ({
  noun: "arrays or sounds",
  extensions: [
    ...arrayFiles.extensions,
    ...(hasFilms === true ? filesWithSound : soundFiles).extensions,
    ...(feeds.size > 0 ? imageFiles.extensions : []),
  ],
});

/** Some samples of a file, or why there are none. */
type Block = { readonly path: string } & (
  | { readonly kind: "failed"; readonly error: InputError }
  /** Samples that an earlier run explained. */
  | { readonly kind: "earlier"; readonly count: number; readonly result?: ArrayResult }
  | {
      readonly kind: "samples";
      readonly file: RunFile;
      readonly first: number;
      readonly count: number;
      readonly taken: Taken;
      /** Whether the file ends with it. */
      readonly isLast: boolean;
    }
);

type Samples = Extract<Block, { kind: "samples" }>;

/** What the network made of a block, and which of its samples failed. */
interface Explained {
  readonly batch: ExplainedBatch;
  readonly failed: ReadonlyMap<number, InputError>;
}

/** What was made of a block. */
interface Kept {
  readonly lines: readonly string[];
  readonly failed: readonly Failed[];
  readonly block?: Samples;
  readonly explained?: Explained;
}

/**
 * Explains arrays and writes relevance, figures, a manifest and a page. Samples that fail are named and left out.
 * @param interrupted polled between batches; true ends the run after the current work
 * @returns the exit status
 * @throws RelpropError for errors of the whole run
 */
export async function explainArrays(
  sources: readonly string[],
  options: ArrayRunOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const kind = mainFiles(options);
  const { files, writer, manifest } = await openInputs(sources, options, arrayResultSchema, [pageName], kind);
  if (!files.some(({ path }) => isOfKind(path, filesWithSound))) refuseWindows(options);
  return runInputs(
    { ...options, batch: 1 },
    start,
    async (threads) => {
      const run = await startArrays(files, options, threads);
      return workOn(files, { ...run, writer, manifest, sha256Of: fileHashes(), sayOnce: onceSayer() });
    },
    interrupted,
  );
}

/** Reads each file once, however many files it is fed beside. */
function fileHashes(): (path: string) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (path) => {
    const hash = known.get(path) ?? sha256OfFile(path);
    known.set(path, hash);
    return hash;
  };
}

/** Says a note about a file, unless the same was said of another one. */
function onceSayer(): (note: string) => void {
  const said = new Set<string>();
  return (note) => {
    const what = note.slice(note.indexOf(": "));
    if (!said.has(what)) say(note);
    said.add(what);
  };
}

interface Run extends ArrayRun {
  readonly sha256Of: (path: string) => Promise<string>;
  readonly sayOnce: (note: string) => void;
  readonly writer: ResultWriter;
  readonly manifest: Manifest<ArrayResult>;
}

function workOn(files: readonly InputFile[], run: Run): Work<Block, Samples, Explained, Kept> {
  const { options, settings, writer, manifest, loaded } = run;
  const open = new Set<RunFile>();
  const lines: string[] = [];
  return {
    inputs: blocksOf(files, run, open),
    total: run.total,
    samplesIn: (block) => ("count" in block ? block.count : 1),
    explainers: run.explainers,
    noun: "sample",
    makes: "samples",
    nameOf: ({ path }) => path,
    canResume: true,
    prepare: async (block) => {
      if (block.kind === "failed") throw block.error;
      if (block.kind === "earlier") {
        const lines =
          options.json && block.result ? [fileRecord(block.result, options.folder, block.count)] : [];
        return { earlier: { lines, failed: [] } };
      }
      return { ready: block };
    },
    explain: ([block]) => {
      return async (explainer) => (block ? [await explainBlock(run, explainer, block)] : []);
    },
    write: async (block, explained) => {
      const failed = failuresOf(block, explained);
      return { lines: linesOf(run, block, explained), failed, block, explained };
    },
    keep: async ({ block, explained }) => {
      if (!block || !explained) return;
      const { file, taken, first } = block;
      await file.add({ ...taken, first, ...explained } satisfies ExplainedBlock);
      if (!block.isLast) return;
      open.delete(file);
      const result = await file.finish();
      if (options.json) lines.push(fileRecord(result, options.folder, file.earlier));
      else if (!options.quiet) lines.push(fileLine(result, options.folder));
    },
    textOf: ({ lines }) => lines.join("\n"),
    failedIn: ({ failed }) => failed,
    finish: async () => {
      for (const file of open) await file.leave();
      await closeBeside(run.feeding);
      for (const line of lines) process.stdout.write(`${line}\n`);
      const all = await manifest.all();
      if (all.length === 0) return undefined;
      const title = `What ${loaded.card.name} used`;
      await writer.ofRun(pageName, arrayPage({ title, settings, results: all }));
      return join(options.folder, pageName);
    },
  };
}

/** The samples of all files, some at a time, in their order. */
async function* blocksOf(files: readonly InputFile[], run: Run, open: Set<RunFile>): AsyncGenerator<Block> {
  for (const [index, file] of files.entries()) {
    const { path } = file;
    try {
      yield* blocksIn(file, index, run, open);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      yield { kind: "failed", path, error };
    }
  }
}

async function* blocksIn(
  file: InputFile,
  index: number,
  run: Run,
  open: Set<RunFile>,
): AsyncGenerator<Block> {
  const { options, feeding, manifest, writer, asked, samplesAtATime } = run;
  const { path, key } = file;
  const hash = await hashOf(file, run);
  const done = options.force ? undefined : await manifest.done(key, hash);
  // A file with samples that failed says so again.
  if (done?.failed === 0) {
    yield { kind: "earlier", path, count: done.samples, result: done };
    return;
  }
  const bound = await bindFile(feeding, file, index);
  if (!isSilent(options)) for (const note of bound.notes) run.sayOnce(note);
  const drawer = arrayDrawer({
    writer,
    settings: run.settings,
    coloring: run.coloring,
    theme: options.theme,
    svg: options.svg,
    ...(run.features && { features: run.features }),
    ...(run.rate !== undefined && { rate: run.rate }),
    picture: (path, input) => seenPicture(feeding, path, input),
  });
  const explained = run.explainers[0].compiled.inputs.map(({ input }) => input.name);
  if (bound.carried.length > 0 && !isSilent(options) && !hasRows(bound, explained)) {
    const names = bound.carried.map((name) => `"${name}"`).join(", ");
    run.sayOnce(
      `${path}: the results are arrays, without ${names}; their samples are in the order of the rows`,
    );
  }
  const own = new RunFile(
    {
      bound,
      hash,
      asked,
      writer,
      manifest,
      drawer,
      figures: options.figures,
      batching: feeding.batching,
      explained,
    },
    options.force,
  );
  open.add(own);
  if (own.samples > 0) yield { kind: "earlier", path, count: own.samples };
  const size = sizeOfBlock(bound, samplesAtATime);
  let before: Samples | undefined;
  for (let first = own.samples; ;) {
    const taken = await bound.take(first, size);
    const { count } = taken;
    if (count === 0) break;
    if (before) yield before;
    before = { kind: "samples", path, file: own, first, count, taken, isLast: false };
    first += count;
    if (bound.count !== undefined && first >= bound.count) break;
  }
  if (before) yield { ...before, isLast: true };
  else if (own.samples > 0) await own.finish();
  else throw new InputError({ what: `cannot explain "${path}"`, why: "it has no samples" });
}

const sizeOfBlock = ({ count }: BoundFile, most: number): number => Math.min(most, count ?? most);

/** What a file's results depend on. */
async function hashOf(file: InputFile, run: Run): Promise<string> {
  const { options, files } = run;
  const { columns, features, rate, window, hop, from, to, figures, svg, theme, pictures, feeds } = options;
  const drawn = { columns, features, rate, window, hop, from, to, figures, svg, theme, pictures };
  const hash = createHash("sha256").update(
    JSON.stringify({ ...resultSettings(run, options), ...drawn, main: files.length }),
  );
  for (const given of [file.path, ...feeds.values()]) {
    const number = given === file.path ? undefined : await numberFed(given);
    if (number !== undefined) {
      hash.update(`\0${number}`);
      continue;
    }
    const path = await fileOf(given, file);
    hash.update(`\0${path}\0${await run.sha256Of(path)}`);
  }
  return hash.digest("hex");
}

async function explainBlock(
  { plan, batch, shared }: Run,
  explainer: Run["explainers"][0],
  block: Samples,
): Promise<Explained> {
  const {
    path,
    file,
    count,
    taken: { values },
  } = block;
  const { input } = explainer.compiled;
  const isFull = batch === undefined || batch === count;
  const fill = (name: string, array: InputArray): InputArray =>
    isFull || shared.has(name) ? array : filledUp(array, batch, array.dims.slice(1));
  const padded = new Map([...values].map(([name, array]) => [name, fill(name, array)]));
  const main = padded.get(input.name);
  if (!main) throw new InputError({ what: "cannot run the model", why: `nothing feeds "${input.name}"` });
  const others = Object.fromEntries([...padded].filter(([name]) => name !== input.name));
  try {
    const explained = await explainBatch(explainer, main, plan, { values: others, shared });
    return { batch: explained, failed: failedIn(block, explained) };
  } catch (error) {
    // A sound that is too short for the model fails alone.
    const { sound } = file.options.bound;
    throw sound && sound.size === undefined ? sampleFailure(path, main.dims, error) : error;
  }
}

/** Why samples of a block have no answer, by their place in it. */
function failedIn({ taken: { bad }, count }: Samples, batch: ExplainedBatch): Map<number, InputError> {
  const failed = new Map(bad);
  for (let i = 0; i < count; i++) {
    if (failed.has(i)) continue;
    const error = batch.error(i);
    if (error) failed.set(i, error);
    else if (batch.runs.every((run) => !run.pickIn(i)))
      failed.set(
        i,
        new InputError({ what: "cannot explain it", why: "its best class is the one that --against names" }),
      );
  }
  return failed;
}

function failuresOf(block: Samples, { failed }: Explained): Failed[] {
  return [...failed].map(([i, error]) => {
    const sample = block.first + i;
    const name = `${block.path} [${sample}]`;
    const about = { input: block.path, sample };
    if (error.what.includes(block.path)) return { name, error, about };
    // What pictures can be told is no help here.
    const { what, why } = error;
    const fix = "check the values of the input";
    return { name, error: new InputError({ what, where: name, why, fix }), about };
  });
}

function linesOf(run: Run, block: Samples, { batch, failed }: Explained): string[] {
  const { options, decision, asked } = run;
  const { path, first, file, taken } = block;
  const { count, names, sound } = file.options.bound;
  // Of a long sound only the first windows have lines: its table has all.
  const most = sound ? mostLines - first : (count ?? Infinity) > mostLines ? 0 : block.count;
  const shown = options.json ? block.count : Math.max(0, Math.min(block.count, most));
  const done = Array.from({ length: shown }, (_, i) => i).filter((i) => !failed.has(i));
  const { kind } = decision.names.facts;
  return done.flatMap((i) => {
    const window = sound && taken.windows?.[i];
    const sample = batch.sample(i);
    if (!options.json) {
      const place = count === 1 ? undefined : first + i;
      return [sampleLine(path, window ? windowTime(window, sound) : place, sample, names)];
    }
    const placeOf = window && windowPlace(window, sound);
    return recordLines(path, first + i, sample, { asked, kind, ...(placeOf && { placeOf }) });
  });
}
