/** The whole of `relprop concepts`: images in, the channels of a layer that mattered, and where each looked. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { conceptHeatmaps, InputError, sessionModel, type Concept, type Explainer } from "relprop";
import { renderHeatmap, type Pixels } from "relprop/heatmap";
import { preprocess } from "relprop/preprocess";
import { fileNamePart } from "./choose-classes.ts";
import {
  decideColoring,
  decideCompile,
  decisionsInWords,
  type Coloring,
  type CompileDecision,
  type Wishes,
} from "./decide.ts";
import { EarlierResults, leftOutText } from "./earlier-results.ts";
import { exitCodes } from "./exit-codes.ts";
import { classesOf } from "./explain-batch.ts";
import type { Score } from "./image-result.ts";
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

/** All numbers, below the output folder. */
const listName = "concepts.json";

/** A channel, as it stands in concepts.json. */
interface ConceptRecord {
  readonly channel: number;
  /** ΣR of the channel, unitless, and the part of the layer's ΣR that it is. */
  readonly relevance: number;
  readonly share: number;
  /** Path below the output folder. */
  readonly heatmap: string;
}

/** A class of an image, as it stands in concepts.json. */
interface ClassRecord extends Score {
  readonly concepts: readonly ConceptRecord[];
}

/** What all images of a run share. */
interface Run {
  readonly options: ConceptsOptions;
  readonly loaded: LoadedModel;
  readonly explainer: Explainer;
  readonly classes: NonNullable<CompileDecision["classes"]>;
  readonly coloring: Coloring;
  readonly writer: ResultWriter;
}

/**
 * Finds the channels of a layer with the most relevance in each image, draws each one's heatmap, and writes
 * `concepts.json`. Images that fail are named and left out.
 * @returns the exit status
 * @throws RelpropError for what concerns the run as a whole
 */
export async function explainConcepts(sources: readonly string[], options: ConceptsOptions): Promise<number> {
  const isSilent = options.quiet || options.json;
  const { folder, force } = options;
  const { images, leftOut } = await findImages(sources, await EarlierResults.in(folder));
  const paths = images.map(({ path }) => path);
  const writer = await ResultWriter.create(folder, { inputs: paths, force });
  await writer.checkOfRun([listName]);
  if (leftOut > 0 && !isSilent) say(leftOutText(leftOut, folder));
  const loaded = await loadModel(options.model, { ...options.load, quiet: isSilent });
  // Shares of channels are those of one class; the best one where none is named.
  const wishes = options.classes.length > 0 ? options : { ...options, classes: ["top1"] };
  const decision = await decideCompile(loaded, wishes);
  const { options: compileOptions, classes = [] } = decision;
  const { layer } = options;
  const prepared = sessionModel(loaded.model, { ...compileOptions, concepts: { layer } });
  const explainer = await startExplainer(prepared, options.device);
  const coloring = decideColoring(explainer.compiled, options);
  const decisions = decisionsInWords(loaded, explainer.compiled, decision, coloring);
  if (!isSilent) sayDecisions([...decisions, ["layer", layer], ["images", String(images.length)]]);
  const run: Run = { options, loaded, explainer, classes, coloring, writer };
  const results: { input: string; classes: readonly ClassRecord[] }[] = [];
  let failed = 0;
  try {
    for (const image of images) {
      try {
        const found = await explainImage(run, image);
        results.push({ input: image.path, classes: found });
        if (!options.quiet || options.json)
          process.stdout.write(`${conceptsText(image.path, found, options)}\n`);
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
  const all = { v: 1, settings: Object.fromEntries(decisions), layer, images: results };
  await writer.ofRun(listName, markedJson(all));
  if (!isSilent) say(`look at ${join(folder, listName)} and the heatmaps beside it`);
  return failed > 0 ? exitCodes.someFailed : exitCodes.done;
}

async function explainImage(run: Run, image: ImageFile): Promise<ClassRecord[]> {
  const { options, loaded, explainer } = run;
  const { card } = loaded;
  const bytes = await readFile(image.path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError({ what: `cannot read "${image.path}"`, why });
  });
  const picture = await readImage(image.path, bytes, card.input);
  const input = preprocess([picture], card.input);
  const scores = await classesOf(explainer, input, run.classes, card.labels);
  const found: ClassRecord[] = [];
  for (const score of scores) {
    const { count } = options;
    const [concepts = []] = await conceptHeatmaps(explainer, input, { target: score.index, count });
    const records: ConceptRecord[] = [];
    for (const concept of concepts) records.push(await writeConcept(run, image, picture, score, concept));
    found.push({ ...score, concepts: records });
  }
  return found;
}

async function writeConcept(
  { coloring, writer }: Run,
  image: ImageFile,
  picture: Pixels,
  { index, label }: Score,
  { channel, channelRelevance, share, relevance }: Concept,
): Promise<ConceptRecord> {
  const { width, height } = picture;
  const heatmap = renderHeatmap({ data: relevance.data, width, height }, coloring);
  const name = `${image.key}.${index}-${fileNamePart(label)}.channel-${channel}`;
  const file = `${name}.heatmap.png`;
  await writer.png(file, heatmap);
  return { channel, relevance: channelRelevance, share, heatmap: file };
}

/** A line for each channel, or a record for each class. */
function conceptsText(
  input: string,
  classes: readonly ClassRecord[],
  { json, layer, folder }: ConceptsOptions,
): string {
  return classes
    .flatMap(({ concepts, index, ...score }) => {
      if (json) return [JSON.stringify({ v: 1, input, layer, class: index, ...score, concepts })];
      const lines = concepts.map(({ channel, share, heatmap }) => {
        const percent = `${(100 * share).toFixed(1).replace("-", "−")} %`;
        return `  channel ${String(channel).padStart(4)} ${percent.padStart(8)}  ${join(folder, heatmap)}`;
      });
      return [`${input}  ${score.label} ${score.p.toFixed(3)}`, ...lines];
    })
    .join("\n");
}
