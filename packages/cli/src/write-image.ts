/** An explained image -> its files and its result. */

import { InputError } from "relprop";
import { colormap, cssGradient, legend, renderHeatmap } from "relprop/heatmap";
import { fileNamePart } from "./choose-classes.ts";
import { requestFileName, requestText } from "./answer-requests.ts";
import type { ExplainedAnswer, ExplainedImage } from "./explain-batch.ts";
import { ledgerResult, type AnswerResult, type ImageResult } from "./image-result.ts";
import type { Pending, Run } from "./image-run.ts";

/**
 * Colours the heatmaps of an image and writes its files.
 * @param ms how long the network took
 * @throws InputError if there is nothing to write, or a file would go over an image
 */
export async function writeImage(
  run: Run,
  image: Pending,
  explained: ExplainedImage,
  ms: number,
): Promise<ImageResult> {
  const { options, writer, coloring } = run;
  if (explained.error) throw named(explained.error, image.path);
  if (explained.answers.length === 0) {
    throw new InputError({
      what: `cannot explain "${image.path}"`,
      why: `its best class is the one that --against names, "${explained.top[0]?.label}"`,
      fix: "name the class to explain with --class",
    });
  }
  const files = await writer.picture(image.key, image.picture, options.styles);
  const answers: AnswerResult[] = [];
  for (const each of explained.answers) answers.push(await writeAnswer(run, image, each));
  const result: ImageResult = {
    key: image.key,
    input: image.path,
    settings: run.decisions,
    colors: cssGradient(colormap(coloring.colormap)),
    files,
    kind: run.decision.names.facts.kind,
    top: [...explained.top],
    answers,
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

/** The error with the picture's name. */
const named = ({ what, where, why, fix }: InputError, path: string): InputError =>
  new InputError({
    what,
    where: where === undefined ? path : `${path}, ${where}`,
    why,
    ...(fix !== undefined && { fix }),
  });

async function writeAnswer(run: Run, image: Pending, answer: ExplainedAnswer): Promise<AnswerResult> {
  const { options, coloring, writer, decision } = run;
  const { request, score, relevance, elements, against, ledger, box } = answer;
  const { width, height } = image.picture;
  const map = { data: summedOverChannels(relevance.data, width * height), width, height };
  const heatmap = renderHeatmap(map, coloring);
  const suffix = request && decision.isAsked ? `.${requestFileName(request, score)}` : "";
  const rather = against ? `.rather-than-${against.index}-${fileNamePart(against.label)}` : "";
  const name = `${image.key}${suffix}${rather}`;
  const files = await writer.heatmap(name, image.picture, heatmap, relevance, { ...options, box });
  const what = against ? `${score.label}” rather than “${against.label}` : score.label;
  const asked = request && requestText(request, decision.names);
  return {
    ...score,
    ...(asked !== undefined && { asked }),
    elements,
    ...(box && { box: { left: box.left, top: box.top, right: box.right, bottom: box.bottom } }),
    ...(against && { against }),
    files,
    legend: mutable(legend(heatmap, coloring.normalize, request ? what : undefined)),
    ...(ledger && { ledger: ledgerResult(ledger) }),
  };
}

const mutable = ({ ticks, sentence }: ReturnType<typeof legend>): AnswerResult["legend"] => ({
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
