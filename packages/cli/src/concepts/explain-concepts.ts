/** The whole of `relprop concepts`: images in, the channels of a layer that mattered, and where each looked. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError, sessionModel, sourceOf } from "@relprop/core";
import type { Theme } from "@relprop/core/heatmap";
import { preprocess } from "@relprop/core/preprocess";
import { faultOf, picksOf, type AnswerPlan } from "../run/answer-picks.ts";
import { explainConceptAnswer, type ConceptExtra, type ConceptRun } from "./concept-answer.ts";
import type { AnswerRecord } from "./concept-record.ts";
import { passageText, percentText } from "./concept-text.ts";
import { conceptsPage } from "./concepts-page.ts";
import { decideColoring, decideCompile, decisionsInWords, type RunChoices } from "../run/decide.ts";
import { EarlierResults, leftOutText } from "../files/earlier-results.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { nothing } from "../images/explain-batch.ts";
import { scoreOf } from "../run/score.ts";
import { loadModel, type LoadedModel, type LoadOptions } from "../models/load-model.ts";
import { markedJson } from "../files/own-files.ts";
import { findImages, readImage, type ImageFile } from "../files/read-images.ts";
import { answerText } from "../run/score.ts";
import { failureRecord, say, sayDecisions, sayError } from "../terminal/report.ts";
import { Manifest } from "../files/manifest.ts";
import { startExplainer, type Device } from "../sessions/start-explainer.ts";
import { ResultWriter } from "../files/result-writer.ts";

/** Everything that `relprop concepts` can be told. */
export interface ConceptsOptions extends RunChoices {
  readonly model: string;
  readonly load: LoadOptions;
  readonly device: Device;
  /** The node or tensor whose channels are looked at. */
  readonly layer: string;
  /** Channels for each image and class. */
  readonly count: number;
  readonly extras: readonly ConceptExtra[];
  /** What contact sheets are drawn on. */
  readonly theme: Theme;
  readonly folder: string;
  /** Whether files that relprop did not write are written over. */
  readonly force: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** All numbers, and the page that shows them, below the output folder. */
const [listName, pageName] = ["concepts.json", "concepts.html"];

/** What all images of a run share. */
interface Run extends ConceptRun {
  readonly loaded: LoadedModel;
  readonly plan: AnswerPlan;
}

/** An image and what was found in it. */
interface ImageRecord {
  readonly input: string;
  /** Path of what the network saw, below the output folder. */
  readonly picture: string;
  readonly answers: readonly AnswerRecord[];
}

/**
 * Finds the channels of a layer with the most relevance in each image, draws each one's heatmap, and writes
 * `concepts.json` and a page. Images that fail are named and left out.
 * @returns the exit status
 * @throws RelpropError for what concerns the run as a whole
 */
export async function explainConcepts(sources: readonly string[], options: ConceptsOptions): Promise<number> {
  const isSilent = options.quiet || options.json;
  const { folder, force, layer, count, extras, theme } = options;
  const manifest = await Manifest.open(folder, force);
  const lists = (path: string): boolean => manifest.lists(path);
  const { images, leftOut } = await findImages(sources, await EarlierResults.in(folder, lists));
  const inputs = images.map(({ path }) => path);
  const writer = await ResultWriter.create(folder, { inputs, force, lists });
  await writer.checkOfRun([listName, pageName]);
  if (leftOut > 0 && !isSilent) say(leftOutText(leftOut, folder));
  const loaded = await loadModel(options.model, { ...options.load, quiet: isSilent });
  // Shares of channels are those of one answer; the best one where none is named.
  const decision = await decideCompile(loaded, { ...options, needsAnswer: true });
  const prepared = sessionModel(loaded.model, { ...decision.options, concepts: { layer }, ledger: true });
  const explainer = await startExplainer(prepared, options.device);
  const coloring = decideColoring(explainer.compiled, options);
  const decisions = decisionsInWords(loaded, explainer.compiled, decision, coloring);
  if (!isSilent) sayDecisions([...decisions, ["layer", layer], ["images", String(images.length)]]);
  const { against, names, requests } = decision;
  const plan = { requests, against, names, detection: options.detection ?? {}, size: loaded.card.input.size };
  const settings = [...decisions, ["layer", layer] as const];
  const ofLayer = { layer, count, extras, coloring, theme, settings };
  const run: Run = { ...ofLayer, loaded, explainer, plan, writer, manifest };
  const results: ImageRecord[] = [];
  let failed = 0;
  try {
    for (const image of images) {
      try {
        const found = await explainImage(run, image);
        results.push(found);
        if (!options.quiet || options.json) process.stdout.write(`${conceptsText(found, options)}\n`);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        failed++;
        if (options.json) process.stdout.write(`${failureRecord(image.path, error)}\n`);
        sayError(error);
      }
    }
  } finally {
    await explainer.dispose();
  }
  const all = { v: 2, settings: Object.fromEntries(settings), layer, images: results };
  await writer.ofRun(listName, markedJson(all));
  const title = `What the channels of ${layer} saw`;
  await writer.ofRun(pageName, conceptsPage({ title, settings, layer, images: results }));
  if (!isSilent) say(`look at ${join(folder, pageName)}`);
  return failed > 0 ? exitCodes.someFailed : exitCodes.done;
}

async function explainImage(run: Run, image: ImageFile): Promise<ImageRecord> {
  const { loaded, explainer, plan, writer } = run;
  const { card } = loaded;
  const bytes = await readFile(image.path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError({ what: `cannot read "${image.path}"`, why });
  });
  const picture = await readImage(image.path, bytes, card.input);
  const tensor = preprocess([picture], card.input);
  const first = await explainer.explain(tensor, { target: nothing(explainer, 1) });
  const source = sourceOf(explainer, first);
  const fault = faultOf(source, 0);
  if (fault) throw fault;
  const answers: AnswerRecord[] = [];
  const isKnown = (_sample: number, index: number): boolean =>
    answers.some((answer) => answer.index === index);
  const { path: input, key } = image;
  for (const request of plan.requests ?? []) {
    for (const [picked] of picksOf(plan, source, first, [0], request, isKnown)) {
      if (picked instanceof InputError) throw picked;
      if (!picked) continue;
      const { pick, label } = picked;
      const score = scoreOf(plan.names, pick.numbers, label);
      answers.push(await explainConceptAnswer(run, { input, key, picture, tensor, request, score, pick }));
    }
  }
  const file = `${key}.picture.png`;
  await writer.png(file, picture);
  return { input, picture: file, answers };
}

/** A line for each channel, or a record for each answer. */
function conceptsText({ input, answers }: ImageRecord, { json, layer, folder }: ConceptsOptions): string {
  return answers
    .flatMap((answer) => {
      const { index, label, concepts, ...others } = answer;
      if (json) return [JSON.stringify({ v: 2, input, layer, class: index, label, ...others, concepts })];
      const lines = concepts.map(({ channel, share, heatmap }) => {
        return `  channel ${String(channel).padStart(4)} ${percentText(share).padStart(8)}  ${join(folder, heatmap)}`;
      });
      return [
        `${input}  ${answerText(answer)}`,
        `  ${passageText(answer)}`,
        ...lines,
        `  contact sheet  ${join(folder, answer.sheet)}`,
      ];
    })
    .join("\n");
}
