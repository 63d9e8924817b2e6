/** One picture -> the maps of all methods, measured, with their heatmaps. */

import { readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { answersOf, InputError, type Pick, type RunSource } from "@relprop/core";
import { renderHeatmap, type Heatmap } from "@relprop/core/heatmap";
import {
  answerOne,
  mapSource,
  measureMap,
  requireFinite,
  shownPart,
  subjectOf,
  trivialMap,
  usualCellsOf,
  usualStrides,
  type Answered,
  type MapSource,
  type Subject,
} from "@relprop/core/internal";
import { preprocess } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import { readImage, type SeenPicture } from "../files/read-images.ts";
import { faultOf, picksOf } from "../run/answer-picks.ts";
import { scoreOf, type AnswerScore } from "../run/score.ts";
import type { EvaluationRun } from "./evaluation-run.ts";
import type { NamedMethod } from "./methods.ts";

/** A decoded picture, and the methods whose maps must be measured. */
export interface ReadyPicture {
  readonly path: string;
  readonly picture: SeenPicture;
  readonly methods: readonly NamedMethod[];
}

/** What was measured about one method's map. */
export interface MethodFound {
  readonly method: NamedMethod;
  readonly heatmap: Heatmap;
  readonly measured: Awaited<ReturnType<typeof measureMap>>;
  readonly ms: number;
}

/** What was found in a picture. */
export interface PictureFound {
  readonly answer: AnswerScore;
  readonly number: Subject["answer"];
  readonly found: readonly (MethodFound | { readonly method: NamedMethod; readonly error: InputError })[];
}

/**
 * Explains a picture by all methods and measures their maps. A map that cannot be measured is left out, the others are not.
 * @throws InputError if the answer itself cannot be measured
 */
export async function measurePicture(run: EvaluationRun, ready: ReadyPicture): Promise<PictureFound> {
  const { bench, loaded, options, plan, coloring } = run;
  const { picture } = ready;
  const input = preprocess([picture], loaded.card.input);
  const source = await answerOne(bench.forward, input);
  const { pick, label } = pickIn(run, source, picture);
  const answered = { input, source, pick };
  const subject = subjectOf(bench.forward, answered, options.changed, {
    cells: usualCellsOf(input.dims, options.patch, shownPart(picture.geometry)),
    black: blackOf(loaded.card.input),
    strides: usualStrides,
    ...(await maskOf(ready, loaded.card.input, options.masks)),
  });
  const found: PictureFound["found"][number][] = [];
  for (const method of ready.methods) {
    const start = performance.now();
    try {
      const map = await sourceOf(run, method, answered, subject);
      requireFinite(map.map, "relevance");
      const measured = await measureMap(subject, map, options.metrics, options);
      const { width, height } = picture;
      const heatmap = renderHeatmap({ data: map.map, width, height }, coloring);
      found.push({ method, heatmap, measured, ms: Math.round(performance.now() - start) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      found.push({ method, error });
    }
  }
  return { answer: scoreOf(plan.names, pick.numbers, label), number: subject.answer, found };
}

/** The one part of the answer that is watched. @throws InputError if there is none */
function pickIn(
  { plan }: EvaluationRun,
  source: RunSource,
  picture: SeenPicture,
): { readonly pick: Pick; readonly label?: string } {
  const fault = faultOf(source, 0);
  if (fault) throw fault;
  const [request] = plan.requests ?? [];
  const pictures = { ...plan, pictures: [picture.geometry] };
  const top = [answersOf(source, 0)];
  const [[picked] = []] = request ? picksOf(pictures, source, { top }, [0], request, () => false) : [];
  if (picked instanceof InputError) throw picked;
  if (picked) return picked;
  throw new InputError({ what: "cannot measure this answer", why: "no part of it is explained" });
}

/** Where a method's map comes from. */
async function sourceOf(
  { bench, options }: EvaluationRun,
  { name, trivial = "random" }: NamedMethod,
  answered: Answered,
  { layout, input }: Subject,
): Promise<MapSource> {
  const sessions = bench.explainers.get(name);
  if (sessions) return mapSource(sessions.explainer, answered, (share) => sessions.random.of(share));
  // The picture's own noise, the same in every run.
  return { map: trivialMap(trivial, layout, options.seed + hashOf(input)) };
}

/** A number that depends on all pixels. */
function hashOf(input: Float32Array): number {
  const words = new Int32Array(input.buffer, input.byteOffset, input.length);
  let hash = 0;
  for (const word of words) hash = (Math.imul(hash, 31) + word) | 0;
  return hash >>> 0;
}

/** Black in the units of the network. */
const blackOf = ({ mean, std }: InputCard): number[] => mean.map((each, i) => -each / (std[i] ?? 1));

/** The mask beside the picture's name, cropped as the picture is; nothing if there is none. */
async function maskOf(
  { path }: ReadyPicture,
  card: InputCard,
  folder: string | undefined,
): Promise<{ readonly mask?: Uint8Array }> {
  if (folder === undefined) return {};
  const file = join(folder, `${basename(path, extname(path))}.png`);
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return {};
  const { data, width, height } = await readImage(file, bytes, card);
  return { mask: Uint8Array.from({ length: width * height }, (_, i) => ((data[4 * i] ?? 0) > 127 ? 1 : 0)) };
}
