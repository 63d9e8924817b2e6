/** One answer of a picture -> its strongest channels, their heatmaps and the contact sheet. */

import {
  conceptHeatmaps,
  InputError,
  type Explainer,
  type Explanation,
  type FloatArray,
  type Pick,
} from "@relprop/core";
import { npyFile, renderHeatmap, type Heatmap, type Theme } from "@relprop/core/heatmap";
import { requireFinite } from "@relprop/core/internal";
import { requestFileName, type AnswerRequest } from "../run/answer-requests.ts";
import type { AnswerRecord, ConceptRecord } from "./concept-record.ts";
import { startText } from "./concept-text.ts";
import { drawConcepts } from "./draw-concepts.ts";
import { canRasterize } from "../pages/rasterize.ts";
import type { AnswerScore } from "../run/score.ts";
import { drawWhole } from "../pages/whole-picture.ts";
import type { SeenPicture } from "../files/read-images.ts";
import type { OpenInputs } from "../run/open-inputs.ts";
import type { PictureOptions, PictureRun } from "../run/start-pictures.ts";

/** What can be saved for a channel besides its heatmap. */
export type ConceptExtra = "npy";
export const conceptExtras: readonly ConceptExtra[] = ["npy"];

/** All options of `relprop concepts`. */
export interface ConceptsOptions extends PictureOptions {
  /** The node or tensor whose channels are shown. */
  readonly layer: string;
  /** The number of channels for each image and class. */
  readonly count: number;
  readonly extras: readonly ConceptExtra[];
  /** The background of contact sheets. */
  readonly theme: Theme;
}

/** The state that all answers of a run share. */
export interface ConceptRun extends PictureRun, Omit<OpenInputs<never>, "files"> {
  readonly options: ConceptsOptions;
}

/** An answer whose channels are looked for. */
export interface ConceptAnswer {
  readonly input: string;
  /** Path prefix of the image's files, below the output folder. */
  readonly key: string;
  readonly picture: SeenPicture;
  readonly tensor: FloatArray;
  readonly request: AnswerRequest;
  readonly score: AnswerScore;
  readonly pick: Pick;
  /** A run that explains it already. */
  readonly first?: Explanation;
}

/** An answer, and the maps of its concepts in the same order. */
export interface FoundAnswer {
  readonly asked: ConceptAnswer;
  readonly record: AnswerRecord;
  readonly maps: readonly { readonly relevance: FloatArray; readonly heatmap: Heatmap }[];
}

/**
 * Finds the strongest channels of an answer.
 * @throws InputError if relevance is not finite
 */
export async function findConcepts(
  { options, coloring }: ConceptRun,
  explainer: Explainer,
  asked: ConceptAnswer,
): Promise<FoundAnswer> {
  const { input, key, picture, tensor, request, score, pick, first } = asked;
  const { count, extras } = options;
  const [found] = await conceptHeatmaps(explainer, tensor, {
    target: pick.target,
    count,
    ...(first && { first }),
  });
  if (!found) throw new InputError({ what: `cannot explain "${input}"`, why: "the run gave no channels" });
  const { start, passed, around = start - passed, above = 0 } = found;
  const { width, height } = picture;
  const name = `${key}.${requestFileName(request, score)}`;
  const concepts = found.concepts.map(
    ({ channel, channelRelevance, share, kept, relevance }): ConceptRecord => {
      requireFinite(relevance.data, "relevance");
      const file = `${name}.channel-${channel}`;
      return {
        channel,
        relevance: channelRelevance,
        share,
        reached: relevance.data.reduce((sum, R) => sum + R, 0),
        ...(kept && { kept }),
        heatmap: `${file}.heatmap.png`,
        ...(extras.includes("npy") && { npy: `${file}.relevance.npy` }),
      };
    },
  );
  const maps = found.concepts.map(({ relevance }) => ({
    relevance,
    heatmap: renderHeatmap({ data: relevance.data, width, height }, coloring),
  }));
  const record: AnswerRecord = {
    ...score,
    elements: pick.elements,
    of: startText(explainer.compiled, request, pick.target),
    start,
    passed,
    around,
    above,
    // Without a rasterizer the sheet stays an SVG.
    sheet: `${name}.concepts.${(await canRasterize()) ? "png" : "svg"}`,
    concepts,
  };
  return { asked, record, maps };
}

/**
 * Writes the maps and the contact sheet of an answer.
 * @throws InputError if a protected file would be overwritten
 */
export async function writeConcepts(
  { options, writer, manifest, settings, coloring }: ConceptRun,
  { asked, record, maps }: FoundAnswer,
): Promise<void> {
  const { concepts, sheet } = record;
  const numbers = concepts.flatMap(({ npy }) => npy ?? []);
  await writer.check([...concepts.map(({ heatmap }) => heatmap), ...numbers, sheet]);
  if (numbers.length > 0) await manifest.announce(numbers);
  const drawings = maps.map(({ heatmap }) => drawWhole(asked.picture, heatmap, asked.pick.box));
  const heatmaps = drawings.map(({ heatmap }) => heatmap);
  for (const [i, { relevance }] of maps.entries()) {
    const [files, heatmap] = [concepts[i], heatmaps[i]];
    if (files && heatmap) await writer.png(files.heatmap, heatmap);
    if (files?.npy) await writer.bytes(files.npy, npyFile(relevance.data, relevance.dims.slice(1)));
  }
  const drawn = await drawConcepts({
    input: asked.input,
    layer: options.layer,
    settings,
    answer: record,
    picture: drawings[0]?.picture ?? asked.picture.whole,
    heatmaps,
    coloring,
    theme: options.theme,
  });
  await writer.bytes(sheet, sheet.endsWith(".svg") ? drawn.svg : await drawn.png());
}
