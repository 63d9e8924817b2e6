/** Pictures and films in one run: the same model, the same sessions, and results of each kind. */

import { existsSync } from "node:fs";
import { OptionError } from "@relprop/core";
import { arrayFiles } from "../arrays/open-file.ts";
import { codedFilms, imageFiles, isOfKind, type FileKind, type InputFile } from "../files/find-files.ts";
import { filmsPageName, filmsPart, refuseSeveralAnswers } from "../films/explain-films.ts";
import { refuseFilmChoices, type FilmChoices } from "../films/film-run.ts";
import { filmDecisions } from "../films/film-text.ts";
import { isMovingPicture } from "../films/moving-picture.ts";
import { imagesPage, imagesPart } from "../images/explain-images.ts";
import { imageResultSchema } from "../images/image-result.ts";
import type { ExplainOptions } from "../images/image-run.ts";
import { openInputs } from "../run/open-inputs.ts";
import { soundFiles } from "../sounds/read-sound.ts";
import { refuseWindows } from "../sounds/sound-plan.ts";
import { runParts } from "../run/run-inputs.ts";
import { startPictures } from "../run/start-pictures.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { inOrder } from "../sessions/in-order.ts";

const both: FileKind = {
  noun: "images, films or arrays",
  extensions: [...imageFiles.extensions, ...codedFilms.extensions],
  others: [...arrayFiles.extensions, ...soundFiles.extensions],
};

/** Files whose heads are read at a time. */
const maxOpenFiles = 16;

/** A GIF or WebP that moves is a film. */
const isFilm = async ({ path }: InputFile): Promise<boolean> =>
  isOfKind(path, codedFilms) || (/\.(gif|webp)$/i.test(path) && (await isMovingPicture(path)));

async function sorted(files: readonly InputFile[]): Promise<Record<"images" | "films", InputFile[]>> {
  const kinds = { images: [] as InputFile[], films: [] as InputFile[] };
  let next = 0;
  for await (const is of inOrder(files, maxOpenFiles, isFilm))
    kinds[is ? "films" : "images"].push(files[next++] as InputFile);
  return kinds;
}

/**
 * Explains pictures and films.
 * @param choices how films are explained
 * @param interrupted polled between batches; true ends the run after the current work
 * @returns the exit status
 * @throws RelpropError for errors of the whole run
 */
export async function explainPictures(
  sources: readonly string[],
  options: ExplainOptions,
  choices: FilmChoices,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const { files, ...open } = await openInputs(sources, options, imageResultSchema, [], both);
  const { images: pictures, films } = await sorted(files);
  if (choices.film !== undefined) refuseOneFilm(choices.film, pictures, films);
  if (pictures.length === 0) refuseExtras(options.extras);
  if (films.length === 0) {
    refuseFilmChoices(choices);
    refuseWindows(withoutUndefined({ from: choices.from, to: choices.to }));
  }
  await open.writer.checkOfRun([
    ...(pictures.length > 0 ? [imagesPage] : []),
    ...(films.length > 0 && choices.film === undefined ? [filmsPageName] : []),
  ]);
  return runParts(
    options,
    start,
    async (threads) => {
      const count = films.length > 0 ? Number.POSITIVE_INFINITY : pictures.length;
      const started = await startPictures(count, options, threads, {
        inputs: (decision) => {
          if (films.length > 0) refuseSeveralAnswers(decision);
          return [
            ...(pictures.length > 0 ? [["images", String(pictures.length)] satisfies [string, string]] : []),
            ...(films.length > 0
              ? [
                  ["films", String(films.length)] satisfies [string, string],
                  ...filmDecisions(decision, choices),
                ]
              : []),
          ];
        },
      });
      const ofImages = imagesPart(pictures, { ...open, ...started, options }, interrupted);
      const ofFilms = filmsPart(films, { options, choices, started, writer: open.writer, interrupted });
      return {
        explainers: started.explainers,
        parts: [...(pictures.length > 0 ? [ofImages] : []), ...(films.length > 0 ? [ofFilms] : [])],
      };
    },
    interrupted,
  );
}

/** @throws OptionError if -o names a film, and not one film alone is explained */
function refuseOneFilm(name: string, pictures: readonly InputFile[], films: readonly InputFile[]): void {
  if (films.length === 1 && pictures.length === 0) return;
  const missing = pictures.find(({ path }) => !existsSync(path));
  if (missing) throw new OptionError({ what: `cannot read "${missing.path}"`, why: "there is no such file" });
  const counts = [
    ...(pictures.length > 0 ? [`${pictures.length} image${pictures.length === 1 ? "" : "s"}`] : []),
    ...(films.length > 0 ? [`${films.length} film${films.length === 1 ? "" : "s"}`] : []),
  ];
  throw new OptionError({
    what: `cannot write all results to "${name}"`,
    why: `it is one film, and what is to be explained are ${counts.join(" and ")}`,
    fix: "name a folder with -o",
  });
}

/** @throws OptionError if files of images are to be saved, and there are films alone */
function refuseExtras(extras: ExplainOptions["extras"]): void {
  if (extras.length === 0) return;
  throw new OptionError({
    what: `cannot save ${extras.join(", ")}`,
    why: "only films are explained, and these are files of images",
    fix: "leave --save out; --json prints what was found in each frame",
  });
}
