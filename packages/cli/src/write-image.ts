/** An explained image -> its files and its result. */

import { InputError } from "relprop";
import { colormap, cssGradient, legend, renderHeatmap } from "relprop/heatmap";
import { fileNamePart } from "./choose-classes.ts";
import type { ExplainedClass, ExplainedImage } from "./explain-batch.ts";
import { ledgerResult, type ClassResult, type ImageResult } from "./image-result.ts";
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
  if (explained.classes.length === 0) {
    throw new InputError({
      what: `cannot explain "${image.path}"`,
      why: `its best class is the one that --against names, "${explained.top[0]?.label}"`,
      fix: "name the class to explain with --class",
    });
  }
  const files = await writer.picture(image.key, image.picture, options.styles);
  const classes: ClassResult[] = [];
  for (const each of explained.classes) classes.push(await writeClass(run, image, each));
  const result: ImageResult = {
    key: image.key,
    input: image.path,
    settings: run.decisions,
    colors: cssGradient(colormap(coloring.colormap)),
    files,
    top: [...explained.top],
    classes,
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

async function writeClass(
  run: Run,
  image: Pending,
  { score, relevance, against, ledger }: ExplainedClass,
): Promise<ClassResult> {
  const { options, coloring, writer } = run;
  const { width, height } = image.picture;
  const map = { data: summedOverChannels(relevance.data, width * height), width, height };
  const heatmap = renderHeatmap(map, coloring);
  const suffix = run.decision.classes ? `.${part(score)}` : "";
  const name = `${image.key}${suffix}${against ? `.rather-than-${part(against)}` : ""}`;
  const files = await writer.heatmap(name, image.picture, heatmap, relevance, options);
  const what = against ? `${score.label}” rather than “${against.label}` : score.label;
  return {
    ...score,
    ...(against && { against }),
    files,
    legend: mutable(legend(heatmap, coloring.normalize, run.decision.classes ? what : undefined)),
    ...(ledger && { ledger: ledgerResult(ledger) }),
  };
}

/** A class as part of a file's name. */
const part = ({ index, label }: Readonly<{ index: number; label: string }>): string =>
  `${index}-${fileNamePart(label)}`;

const mutable = ({ ticks, sentence }: ReturnType<typeof legend>): ClassResult["legend"] => ({
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
