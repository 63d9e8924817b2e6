/** Films -> films with their relevance drawn in, and a page. */

import { join } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import { fileHash, Manifest, resultHash } from "../files/manifest.ts";
import type { InputFile } from "../files/find-files.ts";
import type { OpenInputs } from "../run/open-inputs.ts";
import type { CompileDecision } from "../run/decide.ts";
import { resultSettings } from "../run/result-settings.ts";
import type { Part, Tally } from "../run/run-inputs.ts";
import type { PictureOptions, PictureRun } from "../run/start-pictures.ts";
import { isSilent, say } from "../terminal/report.ts";
import { explainFilm } from "./explain-film.ts";
import type { FilmChoices, FilmRun } from "./film-run.ts";
import { filmResultSchema, type FilmResult } from "./film-result.ts";
import { clockText, filmDecisions, filmText } from "./film-text.ts";
import { filmsPage } from "./films-page.ts";

/** The page below the output folder. */
export const filmsPageName = "films.html";

/** What films need of a run that has begun. */
interface Begun {
  readonly options: PictureOptions;
  readonly choices: FilmChoices;
  readonly started: PictureRun;
  readonly writer: OpenInputs<FilmResult>["writer"];
  readonly interrupted: () => boolean;
}

/**
 * Explains films, one after the other. Films that fail are reported and left out; those that are done and unchanged are
 * skipped.
 */
export function filmsPart(films: readonly InputFile[], begun: Begun): Part {
  const { options, choices, started, writer, interrupted } = begun;
  const settings = [...started.settings, ...filmDecisions(started.decision, choices)];
  // Opened late: results of other kinds may have made the list ours.
  let opened: Promise<FilmRun> | undefined;
  const open = async (): Promise<FilmRun> => {
    const manifest = await Manifest.open(options.folder, filmResultSchema, options.force);
    return { ...started, settings, options, choices, writer, manifest, interrupted };
  };
  return {
    noun: "film",
    total: films.length,
    canResume: true,
    explain: async (tally) => {
      const run = await (opened ??= open());
      for (const film of films) {
        if (interrupted()) return;
        await attempt(run, film, tally);
      }
    },
    finish: async () => (opened && choices.film === undefined ? writePage(await opened) : undefined),
  };
}

/** @throws OptionError if several answers are to be explained: a film shows one */
export function refuseSeveralAnswers({ requests }: Pick<CompileDecision, "requests">): void {
  const count = (requests ?? []).reduce((sum, each) => sum + (each.kind === "top" ? each.count : 1), 0);
  if (count < 2) return;
  throw new OptionError({
    what: `cannot explain ${count} answers in a film`,
    why: "a film shows the map of one",
    fix: "name one answer, such as --class top1, or leave the films out",
  });
}

async function attempt(run: FilmRun, film: InputFile, tally: Tally): Promise<void> {
  const { json, quiet } = run.options;
  try {
    const result = await resultOf(run, film, tally);
    if (result && (json || !quiet)) process.stdout.write(`${filmText(result, run.options)}\n`);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    tally.fail(film.path, error);
  }
}

/** Explains a film, or finds its earlier result for the same bytes and settings; undefined if it was not begun. */
async function resultOf(run: FilmRun, film: InputFile, tally: Tally): Promise<FilmResult | undefined> {
  const { options, choices, settings, manifest, writer } = run;
  const { path: input } = film;
  const name = choices.film ?? `${film.key}.heatmap.mp4`;
  const hash = resultHash(await hashOf(input), { ...resultSettings(run, options), ...choices });
  const earlier = options.force ? undefined : await manifest.done(name, hash);
  if (earlier && earlier.stopped === undefined) {
    tally.skipped++;
    return { ...earlier, input };
  }
  if (earlier?.stopped !== undefined && !isSilent(options))
    say(`${input} was stopped at ${clockText(earlier.stopped)} and is explained anew`);
  await writer.check([name]);
  const explained = await writer.whole(name, (path) => explainFilm(run, input, path, name));
  if (!explained) return undefined;
  tally.done++;
  const result = { key: name, input, settings, files: { film: name }, ...explained };
  await manifest.add(hash, result);
  return result;
}

async function hashOf(path: string): Promise<Uint8Array> {
  return fileHash(path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError({ what: `cannot read the film "${path}"`, why });
  });
}

async function writePage({
  manifest,
  loaded,
  settings,
  writer,
  options,
}: FilmRun): Promise<string | undefined> {
  const results = await manifest.all();
  if (results.length === 0) return undefined;
  await writer.ofRun(filmsPageName, filmsPage({ title: `What ${loaded.card.name} saw`, settings, results }));
  return join(options.folder, filmsPageName);
}
