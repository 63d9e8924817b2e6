/** An explained image -> its files and its result. */

import { InputError } from "@relprop/core";
import { colormap, legend, renderHeatmap } from "@relprop/core/heatmap";
import { cssGradient } from "@relprop/core/internal";
import { requestText } from "../run/answer-requests.ts";
import { drawFigure } from "./draw-figure.ts";
import type { ExplainedAnswer, ExplainedSample } from "../run/explain-batch.ts";
import { relevanceMap } from "../run/relevance-map.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import type { AnswerResult, ImageResult } from "./image-result.ts";
import type { Pending, Run } from "./image-run.ts";
import { markedJson } from "../files/own-files.ts";
import { answerName } from "./result-names.ts";
import { answerFiles, imageFiles, writeHeatmap } from "./image-files.ts";
import { drawWhole } from "../pages/whole-picture.ts";

type Files = Readonly<Record<string, string>>;

/**
 * Colours the heatmaps of an image and writes its files.
 * @param ms duration of the network's run
 * @throws InputError if there is nothing to write, or a protected file would be overwritten
 */
export async function writeImage(
  run: Run,
  image: Pending,
  explained: ExplainedSample,
  ms: number,
): Promise<ImageResult> {
  const { options, writer, coloring, decision } = run;
  if (explained.error) throw named(explained.error, image.path);
  if (explained.answers.length === 0) {
    throw new InputError({
      what: `cannot explain "${image.path}"`,
      why: `its best class is the one that --against names, "${explained.top[0]?.label}"`,
      fix: "name the class to explain with --class",
    });
  }
  const { json, ...files }: Record<string, string> = imageFiles(image.key, options);
  const taken = new Map<string, number>();
  const planned = explained.answers.map((each): [ExplainedAnswer, Files] => {
    const name = answerName(image.key, decision, each.request, each.score, each.against);
    const before = taken.get(name) ?? 0;
    taken.set(name, before + 1);
    // Masks of the same name from two folders.
    return [each, answerFiles(before === 0 ? name : `${name}.${before + 1}`, options)];
  });
  const ofAnswers = planned.flatMap(([, ofAnswer]) => Object.values(ofAnswer));
  // Checks all files first: a protected one must not leave the image half written.
  await writer.check([...Object.values(files), ...(json ? [json] : []), ...ofAnswers]);
  if (options.extras.includes("npy")) {
    await run.manifest.announce(ofAnswers.filter((file) => file.endsWith(".npy")));
  }
  if (files["picture"]) await writer.png(files["picture"], image.picture);
  const about = { input: image.path, settings: run.settings, top: [...explained.top] };
  const answers: AnswerResult[] = [];
  for (const [each, ofAnswer] of planned) {
    answers.push(await writeAnswer(run, image, about, each, ofAnswer));
  }
  const result: ImageResult = {
    key: image.key,
    ...about,
    colors: cssGradient(colormap(coloring.colormap)),
    files,
    kind: decision.names.facts.kind,
    geometry: image.picture.geometry,
    answers,
    ms,
  };
  if (json === undefined) return result;
  await writer.bytes(json, markedJson({ v: 1, ...result }));
  return { ...result, files: { ...files, json } };
}

/** Adds the picture's name to an error. */
const named = ({ what, where, why, fix }: InputError, path: string): InputError =>
  new InputError({
    what,
    where: where === undefined ? path : `${path}, ${where}`,
    why,
    ...(fix !== undefined && { fix }),
  });

async function writeAnswer(
  run: Run,
  image: Pending,
  about: Pick<ImageResult, "input" | "settings" | "top">,
  { request, score, relevance, elements, start, against, ledger, box }: ExplainedAnswer,
  files: Files,
): Promise<AnswerResult> {
  const { options, coloring, writer, decision } = run;
  const { picture } = image;
  const { width, height } = picture;
  const heatmap = renderHeatmap(relevanceMap(relevance, width, height), coloring);
  const what = against ? `${score.label}” rather than “${against.label}` : score.label;
  const itsLegend = legend(heatmap, coloring.normalize, request ? what : undefined);
  const { ticks, sentence } = itsLegend;
  const asked = request && requestText(request, decision.names);
  const result: AnswerResult = {
    ...score,
    ...(asked !== undefined && { asked }),
    elements,
    start,
    ...(box && { box: { left: box.left, top: box.top, right: box.right, bottom: box.bottom } }),
    ...(against && { against }),
    files,
    legend: { ticks: [...ticks], sentence },
    ...(ledger && { ledger: ledgerResult(ledger) }),
  };
  const whole = drawWhole(picture, heatmap, box);
  await writeHeatmap(writer, files, whole, relevance, () =>
    drawFigure({
      result: about,
      shown: result,
      ...whole,
      legend: itsLegend,
      theme: options.theme,
    }),
  );
  return result;
}
