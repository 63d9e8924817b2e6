/** `relprop concepts` as a whole: images -> the channels of a layer that mattered, and their maps. */

import { join } from "node:path";
import { InputError, sourceOf, type Explainer, type FloatArray } from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { z } from "zod";
import {
  findConcepts,
  writeConcepts,
  type ConceptRun,
  type ConceptsOptions,
  type FoundAnswer,
} from "./concept-answer.ts";
import type { AnswerRecord } from "./concept-record.ts";
import { passageText, percentText } from "./concept-text.ts";
import { conceptsPage } from "./concepts-page.ts";
import { markedJson } from "../files/own-files.ts";
import type { InputFile } from "../files/find-files.ts";
import { readBytes, readImage, type SeenPicture } from "../files/read-images.ts";
import { faultOf, picksOf } from "../run/answer-picks.ts";
import { isSame, openingTargets } from "../run/explain-batch.ts";
import { openInputs } from "../run/open-inputs.ts";
import { runInputs, type Work } from "../run/run-inputs.ts";
import { answerText, scoreOf } from "../run/score.ts";
import { startPictures } from "../run/start-pictures.ts";

/** Files with all numbers and with the page, below the output folder. */
const [listName, pageName] = ["concepts.json", "concepts.html"];

/** A decoded image. */
interface Ready {
  readonly image: InputFile;
  readonly picture: SeenPicture;
  readonly tensor: FloatArray;
}

/** An image and what was found in it. */
interface ImageRecord {
  readonly input: string;
  /** Path of the picture that the network saw, below the output folder. */
  readonly picture: string;
  readonly answers: readonly AnswerRecord[];
}

/**
 * Finds the channels of a layer with the most relevance in each image, draws each one's heatmap, and writes
 * `concepts.json` and a page. Images that fail are reported and left out.
 * @param interrupted polled between images; true ends the run after the current work
 * @returns the exit status
 * @throws RelpropError for errors of the whole run
 */
export async function explainConcepts(
  sources: readonly string[],
  options: ConceptsOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const { layer } = options;
  const { files: images, ...open } = await openInputs(sources, options, z.never(), [listName, pageName]);
  return runInputs(
    options,
    start,
    async (threads) => {
      // Shares belong to one answer; by default the best class is explained.
      const choices = { ...options, needsAnswer: true };
      const started = await startPictures(images.length, choices, threads, {
        compile: { concepts: { layer }, ledger: true },
        several: {
          count: options.count,
          compile: { concepts: { layer, channels: "strongest" }, ledger: true },
        },
        settings: [["layer", layer]],
      });
      return workOn(images, { ...open, options, ...started });
    },
    interrupted,
  );
}

function workOn(
  images: readonly InputFile[],
  run: ConceptRun,
): Work<InputFile, Ready, readonly FoundAnswer[], ImageRecord> {
  const { options, explainers, writer, loaded } = run;
  const records: ImageRecord[] = [];
  return {
    inputs: images,
    total: images.length,
    explainers,
    noun: "image",
    makes: "concepts",
    nameOf: ({ path }) => path,
    canResume: false,
    prepare: async (image) => {
      const card = loaded.card.input;
      const picture = await readImage(image.path, await readBytes(image.path), card);
      return { ready: { image, picture, tensor: preprocess([picture], card) } };
    },
    explain: (batch) => async (explainer) => {
      const found: (readonly FoundAnswer[])[] = [];
      if (batch[0]) await run.checkFirst(batch[0].tensor);
      for (const each of batch) found.push(await findAnswers(run, explainer, each));
      return found;
    },
    write: async ({ image, picture }, answers) => {
      for (const answer of answers) await writeConcepts(run, answer);
      const file = `${image.key}.picture.png`;
      await writer.png(file, picture);
      return { input: image.path, picture: file, answers: answers.map(({ record }) => record) };
    },
    keep: (record) => {
      records.push(record);
    },
    textOf: (record) => conceptsText(record, options),
    finish: () => writeLists(run, records),
  };
}

/** Finds the channels of all answers that are explained in an image. */
async function findAnswers(
  run: ConceptRun,
  explainer: Explainer,
  { image, picture, tensor }: Ready,
): Promise<readonly FoundAnswer[]> {
  const plan = { ...run.plan, pictures: [picture.geometry] };
  const isRanked = explainer.compiled.settings.target === "top1";
  const [opening] = isRanked ? [] : openingTargets(explainer, [0], plan);
  const first = await explainer.explain(tensor, opening ? { target: opening } : {});
  const source = sourceOf(explainer, first);
  const fault = faultOf(source, 0);
  if (fault) throw fault;
  const answers: FoundAnswer[] = [];
  const isKnown = (_sample: number, index: number): boolean =>
    answers.some(({ record }) => record.index === index);
  const { path: input, key } = image;
  for (const request of plan.requests ?? []) {
    for (const [picked] of picksOf(plan, source, first, [0], request, isKnown)) {
      if (picked instanceof InputError) throw picked;
      if (!picked) continue;
      const { pick, label } = picked;
      const score = scoreOf(plan.names, pick.numbers, label);
      const isFirst = isRanked || isSame(pick.target, opening);
      const asked = { input, key, picture, tensor, request, score, pick, ...(isFirst && { first }) };
      answers.push(await findConcepts(run, explainer, asked));
    }
  }
  return answers;
}

/** Writes all numbers and the page; returns the page's path. */
async function writeLists(
  { options: { layer, folder }, settings, writer }: ConceptRun,
  images: readonly ImageRecord[],
): Promise<string> {
  await writer.ofRun(listName, markedJson({ v: 2, settings: Object.fromEntries(settings), layer, images }));
  const title = `What the channels of ${layer} saw`;
  await writer.ofRun(pageName, conceptsPage({ title, settings, layer, images }));
  return join(folder, pageName);
}

/** One line per channel, or with --json one record per answer. */
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
