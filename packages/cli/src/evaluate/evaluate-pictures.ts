/** `relprop evaluate` for pictures as a whole: maps of several methods, measured, compared and drawn. */

import { join } from "node:path";
import { InputError, OptionError, type MeasuredInput, type MetricRow } from "@relprop/core";
import { colormap, type Figure } from "@relprop/core/heatmap";
import { metricTable } from "@relprop/core/internal";
import { markedJson } from "../files/own-files.ts";
import type { InputFile } from "../files/find-files.ts";
import { resultHash } from "../files/manifest.ts";
import { readBytes, readImage } from "../files/read-images.ts";
import { drawnFigure } from "../pages/figure-parts.ts";
import { canRasterize } from "../pages/rasterize.ts";
import { decideColoring, decisionsInWords } from "../run/decide.ts";
import { openInputs } from "../run/open-inputs.ts";
import { runInputs, type Failed, type Work } from "../run/run-inputs.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { isSilent, sayDecisions } from "../terminal/report.ts";
import { startBench, type Bench } from "./bench.ts";
import { drawCurves } from "./draw-curves.ts";
import { drawSheet, sortedRows } from "./draw-sheet.ts";
import { evaluationPage } from "./evaluation-page.ts";
import { mapResultSchema, measuredOf, type MapResult } from "./evaluation-result.ts";
import type { EvaluateOptions, EvaluationRun } from "./evaluation-run.ts";
import { pictureText, tableText } from "./evaluation-text.ts";
import { measurePicture, type PictureFound, type ReadyPicture } from "./measure-picture.ts";
import type { NamedMethod } from "./methods.ts";
import { evaluationSettings, settingsInWords } from "./settings.ts";

/** Files of the whole run, below the output folder. */
const [listName, pageName, curvesName, sheetName] = [
  "evaluation.json",
  "evaluation.html",
  "curves.svg",
  "sheet",
];

/** A picture whose maps are measured; some of them may be there already. */
interface Ready extends ReadyPicture, InputFile {
  readonly bytes: Uint8Array;
  readonly earlier: readonly MapResult[];
}

/** The measured maps of a picture, those of earlier runs included. */
interface Kept {
  readonly results: readonly MapResult[];
  readonly fresh: readonly { readonly hash: string; readonly result: MapResult }[];
  readonly failed: readonly Failed[];
}

/**
 * Measures how faithful the maps of several methods are, and writes the table, the curves and a contact sheet. Pictures and
 * maps that cannot be measured are reported and left out. A second run measures only what is new.
 * @returns the exit status
 * @throws RelpropError for errors of the whole run
 */
export async function evaluatePictures(
  sources: readonly string[],
  options: EvaluateOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const sheet = `${sheetName}.${(await canRasterize()) ? "png" : "svg"}`;
  const files = [listName, pageName, curvesName, sheet];
  const { files: pictures, ...open } = await openInputs(sources, options, mapResultSchema, files);
  return runInputs(
    options,
    start,
    async (threads) => {
      const run = { ...open, ...(await startRun(options, threads, pictures.length)) };
      return workOn(pictures, run, sheet);
    },
    interrupted,
  );
}

async function startRun(
  options: EvaluateOptions,
  threads: SessionThreads,
  pictures: number,
): Promise<Omit<EvaluationRun, "writer" | "manifest">> {
  const silent = isSilent(options);
  const started = await startBench(options.methods, { ...options, isSilent: silent }, threads);
  const { loaded, decision, bench } = started;
  const { requests, against, names } = decision;
  if (requests?.length !== 1 || (requests[0]?.kind === "top" && requests[0].count !== 1)) {
    throw new OptionError({
      what: "cannot measure several answers at a time",
      why: "one number of each picture’s answer is watched",
      fix: "name one class, such as --class top1",
    });
  }
  const coloring = decideColoring({ settings: { seed: "logit" } }, {});
  const [first] = bench.explainers.values();
  const decisions = first ? decisionsInWords(loaded, first.explainer.compiled, decision, coloring) : [];
  const settings = settingsInWords(decisions, loaded.card.name, options);
  if (!silent) sayDecisions([...settings, ["device", options.device], ["images", String(pictures)]]);
  const plan = { requests, against, names, size: loaded.card.input.size, detection: options.detection ?? {} };
  return { ...started, options, plan, coloring, settings };
}

function workOn(
  pictures: readonly InputFile[],
  run: EvaluationRun,
  sheet: string,
): Work<InputFile, Ready, PictureFound, Kept, Bench> {
  const { options } = run;
  const { methods, reference } = options;
  const [metric = "srg"] = options.metrics;
  // Of the manifest only these: others were measured with other settings.
  const valid = new Map<string, MapResult>();
  const note = (results: readonly MapResult[]): void => {
    for (const result of results) valid.set(result.key, result);
  };
  return {
    inputs: pictures,
    total: pictures.length * methods.length,
    samplesIn: () => methods.length,
    explainers: [run.bench],
    noun: "map",
    makes: "maps",
    nameOf: ({ path }) => path,
    canResume: true,
    prepare: async (picture) => {
      const prepared = await prepare(run, picture);
      note("ready" in prepared ? prepared.ready.earlier : prepared.earlier.results);
      return prepared;
    },
    explain: (batch) => async () => {
      const found: PictureFound[] = [];
      for (const each of batch) found.push(await measurePicture(run, each));
      return found;
    },
    write: (ready, found) => write(run, ready, found),
    keep: async ({ fresh, results }) => {
      note(results);
      for (const { hash, result } of fresh) await run.manifest.add(hash, result);
    },
    failedIn: ({ failed }) => failed,
    textOf: ({ results }) =>
      options.json
        ? results.map((result) => JSON.stringify({ v: 1, ...result })).join("\n")
        : pictureText(results, metric),
    finish: () => finish(run, [...valid.values()], { metric, reference, sheet }),
  };
}

const keyOf = ({ key }: InputFile, { name }: NamedMethod): string => `${key}.${fileName(name)}`;

/** A method's name in names of files: that of a composite's file has slashes. */
const fileName = (name: string): string => name.replaceAll(/[^\w.-]+/g, "-");

async function prepare(
  run: EvaluationRun,
  file: InputFile,
): Promise<{ readonly ready: Ready } | { readonly earlier: Kept }> {
  const { options, manifest, loaded } = run;
  const bytes = await readBytes(file.path);
  const earlier: MapResult[] = [];
  const missing: NamedMethod[] = [];
  for (const method of options.methods) {
    const hash = resultHash(bytes, evaluationSettings(run, method));
    const done = options.force ? undefined : await manifest.done(keyOf(file, method), hash);
    if (done) earlier.push({ ...done, input: file.path });
    else missing.push(method);
  }
  if (missing.length === 0) return { earlier: { results: earlier, fresh: [], failed: [] } };
  const picture = await readImage(file.path, bytes, loaded.card.input);
  return { ready: { ...file, bytes, picture, methods: missing, earlier } };
}

async function write(run: EvaluationRun, ready: Ready, found: PictureFound): Promise<Kept> {
  const { writer, options } = run;
  const { answer, number, found: maps } = found;
  const { picture, path, key } = ready;
  const fresh: { hash: string; result: MapResult }[] = [];
  const failed: Failed[] = [];
  const seen = `${key}.picture.png`;
  let isSeen = false;
  for (const each of maps) {
    const { method } = each;
    if ("error" in each) {
      const { what, why } = each.error;
      const error = new InputError({ what, where: `${path}, ${method.name}`, why });
      failed.push({ name: path, error, about: { input: path, method: method.name } });
      continue;
    }
    const { heatmap, measured, ms } = each;
    const file = `${keyOf(ready, method)}.heatmap.png`;
    // What is removed are parts of the network's input, so that is shown.
    if (!isSeen) await writer.png(seen, picture);
    isSeen = true;
    await writer.png(file, heatmap);
    const result: MapResult = {
      key: keyOf(ready, method),
      input: path,
      files: { picture: seen, heatmap: file },
      method: method.name,
      answer,
      measured: { what: number.what, whole: number.whole },
      numbers: measured.numbers,
      curves: structuredClone(measured.curves) as MapResult["curves"],
      ms,
    };
    fresh.push({ hash: resultHash(ready.bytes, evaluationSettings(run, method)), result });
  }
  const all = [...ready.earlier, ...fresh.map(({ result }) => result)];
  const order = options.methods.map(({ name }) => name);
  const results = all.toSorted((a, c) => order.indexOf(a.method) - order.indexOf(c.method));
  return { results, fresh, failed };
}

/** Summarizes the maps of this run's pictures and methods, and writes all files of the run. */
async function finish(
  run: EvaluationRun,
  found: readonly MapResult[],
  {
    metric,
    reference,
    sheet,
  }: { metric: EvaluateOptions["metrics"][number]; reference: string; sheet: string },
): Promise<string | undefined> {
  const { options, writer, loaded } = run;
  const { folder, theme } = options;
  const methods = options.methods.map(({ name }) => name);
  if (found.length === 0) return undefined;
  const results = found.toSorted((a, c) => (a.key < c.key ? -1 : 1));
  const content = { results, methods, metric, reference, folder, theme };
  const inputs = sortedRows(content).map(({ maps }): MeasuredInput =>
    Object.fromEntries([...maps].map(([method, result]) => [method, measuredOf(result)])),
  );
  const rows = metricTable(inputs, methods, options.metrics, reference);
  const watched = `the ${[...new Set(results.map(({ measured }) => measured.what))].join(" or ")} of what is explained`;
  const settings = [...run.settings, ["watched", watched] as const];
  sayTable(rows, watched, options);
  const title = `How faithful explanations of ${loaded.card.name} are`;
  const about = { v: 1, settings: Object.fromEntries(settings), reference, table: rows };
  await writer.ofRun(listName, markedJson({ ...about, maps: results }));
  const figure: Omit<Figure, "panels"> = {
    title,
    explained: [`${inputs.length} ${inputs.length === 1 ? "picture" : "pictures"}`],
    colormap: colormap(run.coloring.colormap),
    legend: { ticks: [], ends: ["", ""], sentence: "" },
    method: settings.map((each) => each.join(" ")),
    theme,
  };
  const curves = drawCurves(results, methods, theme);
  if (curves) await writer.ofRun(curvesName, drawnFigure({ ...figure, panels: [curves] }, about).svg);
  const sorted = `sorted by ${metric} of ${reference}, the best first; numbers are ${metric}`;
  const drawn = drawnFigure(
    { ...figure, explained: [...figure.explained, sorted], panels: [await drawSheet(content)] },
    about,
  );
  await writer.bytes(sheet, sheet.endsWith(".svg") ? drawn.svg : await drawn.png());
  const page = { title, settings, rows, reference, sheet, pictures: inputs.length };
  await writer.ofRun(pageName, evaluationPage({ ...page, curves: curves && curvesName }));
  return join(folder, pageName);
}

function sayTable(
  rows: readonly MetricRow[],
  watched: string,
  { json, quiet, reference }: EvaluateOptions,
): void {
  if (json) process.stdout.write(`${JSON.stringify({ v: 1, reference, table: rows })}\n`);
  else if (!quiet) process.stdout.write(`watched: ${watched}\n${tableText(rows, reference)}\n`);
}
