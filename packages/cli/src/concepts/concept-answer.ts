/** One answer of a picture -> its strongest channels, their heatmaps and the contact sheet. */

import {
  conceptHeatmaps,
  InputError,
  requireFinite,
  type Explainer,
  type FloatArray,
  type Pick,
} from "@relprop/core";
import { npyFile, renderHeatmap, type Pixels, type Theme } from "@relprop/core/heatmap";
import { requestFileName, type AnswerRequest } from "../run/answer-requests.ts";
import type { AnswerRecord, ConceptRecord } from "./concept-record.ts";
import { startText } from "./concept-text.ts";
import type { Coloring } from "../run/decide.ts";
import { drawConcepts } from "./draw-concepts.ts";
import { canRasterize } from "../pages/rasterize.ts";
import type { Manifest } from "../files/manifest.ts";
import type { AnswerScore } from "../run/score.ts";
import { boxed } from "../pages/figure-parts.ts";
import type { ResultWriter } from "../files/result-writer.ts";

/** What can be kept of a channel besides its heatmap. */
export type ConceptExtra = "npy";
export const conceptExtras: readonly ConceptExtra[] = ["npy"];

/** What all answers of a run share. */
export interface ConceptRun {
  readonly explainer: Explainer;
  readonly layer: string;
  readonly count: number;
  readonly extras: readonly ConceptExtra[];
  readonly coloring: Coloring;
  readonly theme: Theme;
  /** What was decided, in words. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly writer: ResultWriter;
  readonly manifest: Manifest;
}

/** An answer to look into. */
export interface ConceptAnswer {
  readonly input: string;
  /** Where the image's files lie below the output folder. */
  readonly key: string;
  readonly picture: Pixels;
  readonly tensor: FloatArray;
  readonly request: AnswerRequest;
  readonly score: AnswerScore;
  readonly pick: Pick;
}

/**
 * Finds an answer's strongest channels and writes their files.
 * @throws InputError if relevance is not finite, or a file would go over one that is kept
 */
export async function explainConceptAnswer(run: ConceptRun, asked: ConceptAnswer): Promise<AnswerRecord> {
  const { explainer, count, coloring, writer } = run;
  const { input, key, picture, tensor, request, score, pick } = asked;
  const [found] = await conceptHeatmaps(explainer, tensor, { target: pick.target, count });
  if (!found) throw new InputError({ what: `cannot explain "${input}"`, why: "the run gave no channels" });
  const { start, passed, around = start - passed, above = 0 } = found;
  const { width, height } = picture;
  const name = `${key}.${requestFileName(request, score)}`;
  const maps = found.concepts.map(({ channel, channelRelevance, share, kept, relevance }) => {
    requireFinite(relevance.data, "relevance");
    const file = `${name}.channel-${channel}`;
    const record: ConceptRecord = {
      channel,
      relevance: channelRelevance,
      share,
      reached: relevance.data.reduce((sum, R) => sum + R, 0),
      ...(kept && { kept }),
      heatmap: `${file}.heatmap.png`,
      ...(run.extras.includes("npy") && { npy: `${file}.relevance.npy` }),
    };
    return { record, relevance, heatmap: renderHeatmap({ data: relevance.data, width, height }, coloring) };
  });
  const concepts = maps.map(({ record }) => record);
  const answer: AnswerRecord = {
    ...score,
    elements: pick.elements,
    of: startText(explainer.compiled, request, pick.target),
    start,
    passed,
    around,
    above,
    // The SVG is drawn by whatever opens it.
    sheet: `${name}.concepts.${(await canRasterize()) ? "png" : "svg"}`,
    concepts,
  };
  const numbers = concepts.flatMap(({ npy }) => npy ?? []);
  await writer.check([...concepts.map(({ heatmap }) => heatmap), ...numbers, answer.sheet]);
  if (numbers.length > 0) await run.manifest.announce(numbers);
  for (const { record, relevance, heatmap } of maps) {
    await writer.png(record.heatmap, heatmap);
    if (record.npy) await writer.bytes(record.npy, npyFile(relevance.data, relevance.dims.slice(1)));
  }
  const { layer, settings, theme } = run;
  const shown = boxed(picture, pick.box);
  const heatmaps = maps.map(({ heatmap }) => heatmap);
  const sheet = await drawConcepts({
    input,
    layer,
    settings,
    answer,
    picture: shown,
    heatmaps,
    coloring,
    theme,
  });
  await writer.bytes(answer.sheet, answer.sheet.endsWith(".svg") ? sheet.svg : await sheet.png());
  return answer;
}
