/** The whole of `relprop concepts`: images in, the channels of a layer that mattered, and where each looked. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  conceptHeatmaps,
  InputError,
  requireFinite,
  sessionModel,
  sourceOf,
  type Explainer,
  type FloatArray,
} from "relprop";
import { renderHeatmap, type Pixels } from "relprop/heatmap";
import { preprocess } from "relprop/preprocess";
import { faultOf, picksOf, type AnswerPlan } from "./answer-picks.ts";
import { requestFileName, type AnswerRequest } from "./answer-requests.ts";
import { conceptsPage, passedText, percentText } from "./concepts-page.ts";
import { decideColoring, decideCompile, decisionsInWords, type Coloring, type Wishes } from "./decide.ts";
import { EarlierResults, leftOutText } from "./earlier-results.ts";
import { exitCodes } from "./exit-codes.ts";
import { nothing } from "./explain-batch.ts";
import { scoreOf, scoreText, type AnswerScore } from "./score.ts";
import { loadModel, type LoadedModel, type LoadOptions } from "./load-model.ts";
import { markedJson } from "./own-files.ts";
import { findImages, readImage, type ImageFile } from "./read-images.ts";
import { failureRecord, say, sayDecisions, sayError } from "./report.ts";
import { startExplainer, type Device } from "./start-explainer.ts";
import { ResultWriter } from "./write-results.ts";

/** Everything that `relprop concepts` can be told. */
export interface ConceptsOptions extends Wishes {
  readonly model: string;
  readonly load: LoadOptions;
  readonly device: Device;
  /** The node or tensor whose channels are looked at. */
  readonly layer: string;
  /** Channels for each image and class. */
  readonly count: number;
  readonly folder: string;
  /** Whether files that relprop did not write are written over. */
  readonly force: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** All numbers, and the page that shows them, below the output folder. */
const [listName, pageName] = ["concepts.json", "concepts.html"];

/** A channel, as it stands in concepts.json. */
interface ConceptRecord {
  readonly channel: number;
  /** ΣR of the channel, unitless: above 0 it speaks for what is explained, below 0 against it. */
  readonly relevance: number;
  /** The part of Σ|R| over the layer's channels that it is, with its sign. */
  readonly share: number;
  /** Path below the output folder. */
  readonly heatmap: string;
}

/** An explained part of an image's answer, as it stands in concepts.json. */
interface AnswerRecord extends AnswerScore {
  /** ΣR that relevance started with, and that passed through the layer; the rest flowed around it or stayed above. */
  readonly start: number;
  readonly passed: number;
  readonly concepts: readonly ConceptRecord[];
}

/** What all images of a run share. */
interface Run {
  readonly options: ConceptsOptions;
  readonly loaded: LoadedModel;
  readonly explainer: Explainer;
  readonly plan: AnswerPlan;
  readonly coloring: Coloring;
  readonly writer: ResultWriter;
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
  const { folder, force } = options;
  const { images, leftOut } = await findImages(sources, await EarlierResults.in(folder));
  const inputs = images.map(({ path }) => path);
  const writer = await ResultWriter.create(folder, { inputs, force });
  await writer.checkOfRun([listName, pageName]);
  if (leftOut > 0 && !isSilent) say(leftOutText(leftOut, folder));
  const loaded = await loadModel(options.model, { ...options.load, quiet: isSilent });
  // Shares of channels are those of one answer; the best one where none is named.
  const decision = await decideCompile(loaded, { ...options, needsAnswer: true });
  const { layer } = options;
  const prepared = sessionModel(loaded.model, { ...decision.options, concepts: { layer } });
  const explainer = await startExplainer(prepared, options.device);
  const coloring = decideColoring(explainer.compiled, options);
  const decisions = decisionsInWords(loaded, explainer.compiled, decision, coloring);
  if (!isSilent) sayDecisions([...decisions, ["layer", layer], ["images", String(images.length)]]);
  const { against, names, requests } = decision;
  const plan = { requests, against, names, detection: options.detection ?? {}, size: loaded.card.input.size };
  const run: Run = { options, loaded, explainer, plan, coloring, writer };
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
  const settings = [...decisions, ["layer", layer] as const];
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
  const input = preprocess([picture], card.input);
  const first = await explainer.explain(input, { target: nothing(explainer, 1) });
  const source = sourceOf(explainer, first);
  const fault = faultOf(source, 0);
  if (fault) throw fault;
  const answers: AnswerRecord[] = [];
  const isKnown = (_sample: number, index: number): boolean =>
    answers.some((answer) => answer.index === index);
  for (const request of plan.requests ?? []) {
    for (const [picked] of picksOf(plan, source, first, [0], request, isKnown)) {
      if (picked instanceof InputError) throw picked;
      if (!picked) continue;
      const score = scoreOf(plan.names, picked.pick.numbers, picked.label);
      answers.push(await explainAnswer(run, image, picture, input, score, request, picked.pick.target));
    }
  }
  const file = `${image.key}.picture.png`;
  await writer.png(file, picture);
  return { input: image.path, picture: file, answers };
}

async function explainAnswer(
  run: Run,
  image: ImageFile,
  picture: Pixels,
  input: FloatArray,
  score: AnswerScore,
  request: AnswerRequest,
  target: FloatArray,
): Promise<AnswerRecord> {
  const { explainer, options } = run;
  const [found] = await conceptHeatmaps(explainer, input, { target, count: options.count });
  const { concepts = [], start = 0, passed = 0 } = found ?? {};
  const records: ConceptRecord[] = [];
  for (const { channel, channelRelevance, share, relevance } of concepts) {
    requireFinite(relevance.data, "relevance");
    const { width, height } = picture;
    const heatmap = renderHeatmap({ data: relevance.data, width, height }, run.coloring);
    const name = `${image.key}.${requestFileName(request, score)}.channel-${channel}`;
    const file = `${name}.heatmap.png`;
    await run.writer.png(file, heatmap);
    records.push({ channel, relevance: channelRelevance, share, heatmap: file });
  }
  return { ...score, start, passed, concepts: records };
}

/** A line for each channel, or a record for each answer. */
function conceptsText({ input, answers }: ImageRecord, { json, layer, folder }: ConceptsOptions): string {
  return answers
    .flatMap(({ concepts, index, label, start, passed, ...numbers }) => {
      if (json)
        return [
          JSON.stringify({ v: 2, input, layer, class: index, label, ...numbers, start, passed, concepts }),
        ];
      const lines = concepts.map(({ channel, share, heatmap }) => {
        return `  channel ${String(channel).padStart(4)} ${percentText(share).padStart(8)}  ${join(folder, heatmap)}`;
      });
      return [`${input}  ${scoreText({ label, ...numbers })}`, `  ${passedText(start, passed)}`, ...lines];
    })
    .join("\n");
}
