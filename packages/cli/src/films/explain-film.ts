/** One film -> the new film, and what was found in its frames. */

import { performance } from "node:perf_hooks";
import { InputError, type Explainer } from "@relprop/core";
import type { FrameRelevance } from "@relprop/engine/smoothing";
import { renderHeatmap, type DrawingSize, type Heatmap, type Pixels } from "@relprop/core/heatmap";
import {
  pictureFrame,
  preprocess,
  resample,
  resizePlan,
  type PictureFrame,
  type ResizePlan,
  type RgbaPixels,
} from "@relprop/core/preprocess";
import type { BatchPlan } from "../run/answer-picks.ts";
import { explainBatch, type ExplainedSample } from "../run/explain-batch.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import { relevanceMap } from "../run/relevance-map.ts";
import { throughStages, type Stages } from "../run/stages.ts";
import { startProgress, type Progress } from "../terminal/progress.ts";
import { isSilent } from "../terminal/report.ts";
import { frameDrawer, plainFrame, steadyHeatmaps, type DrawFrame } from "./draw-frame.ts";
import type { FilmRun } from "./film-run.ts";
import type { FilmResult, FrameResult } from "./film-result.ts";
import { containerOf, FilmWriter } from "./film-writer.ts";
import type { Film, FilmFrame } from "./film.ts";
import { hasSound, openFilm } from "./open-film.ts";

/** A frame as it is, and as the network sees it. */
interface Ready {
  readonly frame: FilmFrame;
  readonly seen: RgbaPixels;
}

interface Found extends Pick<Ready, "frame"> {
  readonly sample: ExplainedSample;
}

/** What became of a film; undefined if it was interrupted before its first frame. */
export type Explained = Omit<FilmResult, "key" | "input" | "settings" | "files"> | undefined;

/**
 * Explains a film into a file. A frame that cannot be explained is passed through as it is.
 * @param path where the new film is written
 * @param name what the new film will be called
 * @throws InputError if the film cannot be read or written, or none of its frames be explained
 */
export async function explainFilm(
  run: FilmRun,
  source: string,
  path: string,
  name: string,
): Promise<Explained> {
  const start = performance.now();
  const { options, choices, explainers, loaded, interrupted } = run;
  const { view, from, to } = choices;
  const film = await openFilm(source, choices);
  const reading = watched(film);
  const { width, height } = film;
  const plan = resizePlan(width, height, loaded.card.input);
  const geometry = pictureFrame(width, height, plan);
  const progress = startProgress({
    name: `${source} frames`,
    total: expectedFrames(film, choices),
    quiet: isSilent(options),
  });
  let writer: FilmWriter | undefined;
  try {
    writer = await FilmWriter.open(path, {
      width: view === "side-by-side" ? 2 * width : width,
      height,
      container: containerOf(name),
      name,
      ...(hasSound(source) && {
        sound: { path: source, ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
      }),
    });
    const frames: FrameResult[] = [];
    const painter = new Painter(run, film, geometry);
    const { jobs, batch } = options;
    const stages = stagesOf(run, plan, geometry);
    for await (const { done, error } of throughStages(
      reading.frames,
      stages,
      { explainers, jobs, batch },
      interrupted,
    )) {
      if (!done) throw error;
      const { picture, result } = painter.paint(done);
      const { time, duration } = timeOf(done.frame, choices, film);
      await writer.add(picture, time, duration);
      frames.push(result);
      sayFrames(progress, frames);
    }
    if (frames.length === 0) {
      writer.cancel();
      return undefined;
    }
    if (frames.every(({ answer }) => !answer)) throw noneExplained(source, frames);
    await writer.finish();
    const last = frames.at(-1)?.time ?? 0;
    return {
      kind: run.decision.names.facts.kind,
      view,
      frames,
      ...(writer.silence !== undefined && { silence: writer.silence }),
      ...(!(reading.isAtEnd() && reading.count() === frames.length) && { stopped: last }),
      ms: Math.round(performance.now() - start),
    };
  } catch (error) {
    writer?.cancel();
    throw error;
  } finally {
    progress.stop();
  }
}

/** The frames of a film, and whether they were read to the end. */
function watched({ frames }: Film): {
  readonly frames: AsyncIterable<FilmFrame>;
  readonly isAtEnd: () => boolean;
  readonly count: () => number;
} {
  const state = { isAtEnd: false, count: 0 };
  async function* read(): AsyncGenerator<FilmFrame, void, undefined> {
    for await (const frame of frames) {
      state.count++;
      yield frame;
    }
    state.isAtEnd = true;
  }
  return { frames: read(), isAtEnd: () => state.isAtEnd, count: () => state.count };
}

function expectedFrames(
  { duration, rate }: Film,
  { from = 0, to, every = 1 }: FilmRun["choices"],
): number | undefined {
  const seconds = Math.min(to ?? duration, duration) - from;
  return seconds > 0 && rate > 0 ? Math.max(1, Math.round((seconds * rate) / every)) : undefined;
}

function sayFrames(progress: Progress, frames: readonly FrameResult[]): void {
  const plain = frames.filter(({ answer }) => !answer).length;
  progress.update(frames.length, plain > 0 ? `${plain} not explained` : "");
}

/** Frames are drawn in their order, so not here. */
function stagesOf(
  { loaded, plan: answers, checkFirst }: FilmRun,
  plan: ResizePlan,
  geometry: PictureFrame,
): Stages<FilmFrame, Ready, ExplainedSample, Found> {
  const card = loaded.card.input;
  return {
    prepare: async (frame) => ({
      ready: { frame, seen: resample(frame.picture, plan, card.interpolation) },
    }),
    explain: (batch) => {
      const input = preprocess(
        batch.map(({ seen }) => seen),
        card,
      );
      const pictures = batch.map(() => geometry);
      return async (explainer) => {
        await checkFirst(input);
        return explained({ ...answers, pictures }, explainer, input);
      };
    },
    write: async ({ frame }, sample) => ({ frame, sample }),
  };
}

/** A batch that fails leaves its frames as they are. */
async function explained(
  plan: BatchPlan,
  explainer: Explainer,
  input: ReturnType<typeof preprocess>,
): Promise<ExplainedSample[]> {
  try {
    return (await explainBatch(explainer, input, plan)).samples();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return plan.pictures.map(() => ({ top: [], answers: [], error }));
  }
}

/** Draws frames, one after the other. */
class Painter {
  readonly #run: FilmRun;
  readonly #geometry: PictureFrame;
  readonly #heatmap: (map: FrameRelevance, seconds: number) => Heatmap;
  readonly #draw: DrawFrame;

  constructor(run: FilmRun, size: DrawingSize, geometry: PictureFrame) {
    const { coloring, choices } = run;
    this.#draw = frameDrawer(size, geometry, choices.view);
    this.#run = run;
    this.#geometry = geometry;
    this.#heatmap = choices.raw ? (map) => renderHeatmap(map, coloring) : steadyHeatmaps(coloring);
  }

  paint({ frame, sample }: Found): { readonly picture: Pixels; readonly result: FrameResult } {
    const { view } = this.#run.choices;
    const { time, picture: whole } = frame;
    const top = [...sample.top];
    const [answer] = sample.answers;
    if (!answer) {
      const error = sample.error?.message ?? "its best class is the one that --against names";
      return { picture: plainFrame(whole, view), result: { time, top, error } };
    }
    const { score, start, relevance, ledger, box } = answer;
    const { width, height } = this.#geometry.input;
    const heatmap = this.#heatmap(relevanceMap(relevance, width, height), time);
    const picture = this.#draw(whole, heatmap, box);
    const edges = box && { left: box.left, top: box.top, right: box.right, bottom: box.bottom };
    const found = {
      ...score,
      start,
      ...(edges && { box: edges }),
      ...(ledger && { ledger: ledgerResult(ledger) }),
    };
    return { picture, result: { time, top, answer: found } };
  }
}

/** When a frame is shown in the new film: it stays until the next one that is explained, or the end. */
function timeOf(
  { time, duration }: FilmFrame,
  { from = 0, to = Number.POSITIVE_INFINITY, every = 1 }: FilmRun["choices"],
  film: Pick<Film, "duration">,
): Pick<FilmFrame, "time" | "duration"> {
  // The first frame may have begun before the stretch.
  const begun = Math.max(0, time - from);
  // Some containers say only when the last frame begins.
  const last = Math.min(to, Math.max(film.duration, time + duration));
  return { time: begun, duration: Math.max(1e-3, Math.min(time + every * duration, last) - from - begun) };
}

function noneExplained(source: string, [first]: readonly FrameResult[]): InputError {
  return new InputError({
    what: `cannot explain "${source}"`,
    why: `none of its frames can be explained: ${first?.error}`,
  });
}
