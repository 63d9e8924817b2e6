/** An explained image -> its files and its result. */

import { InputError } from "relprop";
import { colormap, cssGradient, legend, renderHeatmap } from "relprop/heatmap";
import { drawFigure } from "./draw-figure.ts";
import type { ExplainedClass, ExplainedImage } from "./explain-batch.ts";
import { ledgerResult, type ClassResult, type ImageResult } from "./image-result.ts";
import type { Pending, Run } from "./image-run.ts";
import { markedJson } from "./own-files.ts";
import { className } from "./result-names.ts";
import { classFiles, imageFiles } from "./write-results.ts";

type Files = Readonly<Record<string, string>>;

/**
 * Colours the heatmaps of an image and writes its files.
 * @param ms how long the network took
 * @throws InputError if there is nothing to write, or a file would go over one that is kept
 */
export async function writeImage(
  run: Run,
  image: Pending,
  explained: ExplainedImage,
  ms: number,
): Promise<ImageResult> {
  const { options, writer, coloring, decision, decisions } = run;
  if (explained.classes.length === 0) {
    throw new InputError({
      what: `cannot explain "${image.path}"`,
      why: `its best class is the one that --against names, "${explained.top[0]?.label}"`,
      fix: "name the class to explain with --class",
    });
  }
  const { json, ...files }: Record<string, string> = imageFiles(image.key, options);
  const planned = explained.classes.map((each): [ExplainedClass, Files] => {
    const name = className(image.key, decision, each.score, each.against);
    return [each, classFiles(name, options)];
  });
  const ofClasses = planned.flatMap(([, ofClass]) => Object.values(ofClass));
  // All of an image or nothing: no half of its files is left by one that is kept.
  await writer.check([...Object.values(files), ...(json ? [json] : []), ...ofClasses]);
  if (options.extras.includes("npy")) {
    await run.manifest.announce(ofClasses.filter((file) => file.endsWith(".npy")));
  }
  if (files["picture"]) await writer.png(files["picture"], image.picture);
  const { top } = explained;
  const about = { key: image.key, input: image.path, settings: decisions, top: [...top] };
  const classes: ClassResult[] = [];
  for (const [each, ofClass] of planned) classes.push(await writeClass(run, image, about, each, ofClass));
  const result: ImageResult = {
    ...about,
    colors: cssGradient(colormap(coloring.colormap)),
    files,
    classes,
    ms,
  };
  if (json === undefined) return result;
  await writer.bytes(json, markedJson({ v: 1, ...result }));
  return { ...result, files: { ...files, json } };
}

async function writeClass(
  run: Run,
  image: Pending,
  about: Pick<ImageResult, "input" | "settings" | "top">,
  { score, relevance, against, ledger }: ExplainedClass,
  files: Files,
): Promise<ClassResult> {
  const { options, coloring, writer, decision, explainers } = run;
  const { picture } = image;
  const { width, height } = picture;
  const map = { data: summedOverChannels(relevance.data, width * height), width, height };
  const heatmap = renderHeatmap(map, coloring);
  const isWhole = !decision.classes && explainers[0].compiled.settings.seed === "softmax";
  const what = against ? `${score.label}” rather than “${against.label}` : score.label;
  const itsLegend = legend(heatmap, coloring.normalize, decision.classes ? what : undefined);
  const { ticks, sentence } = itsLegend;
  const result: ClassResult = {
    ...score,
    ...(isWhole && { isWhole }),
    ...(against && { against }),
    files,
    legend: { ticks: [...ticks], sentence },
    ...(ledger && { ledger: ledgerResult(ledger) }),
  };
  const parts = { result: about, shown: result, picture, heatmap, legend: itsLegend, theme: options.theme };
  await writer.heatmap(files, picture, heatmap, relevance, () => drawFigure(parts));
  return result;
}

/** [C, H, W] -> [H, W]; relevance that is summed already passes. */
function summedOverChannels(data: Float32Array, pixels: number): Float32Array {
  if (data.length === pixels) return data;
  const sum = new Float32Array(pixels);
  for (const [i, value] of data.entries()) sum[i % pixels] = (sum[i % pixels] ?? 0) + value;
  return sum;
}
