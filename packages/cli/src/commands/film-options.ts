/** Options of films, and `-o` where it names one. */

import { stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { OptionError } from "@relprop/core";
import { filmViews } from "../films/draw-frame.ts";
import { containerOf } from "../films/film-writer.ts";
import type { FilmChoices } from "../films/film-run.ts";
import { codedFilms } from "../files/find-files.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { integer, number } from "./arguments.ts";
import type { OptionTable, ValuesOf } from "./options.ts";

export const filmOptions = {
  view: {
    flag: "--view <view>",
    help: "what the new film shows: the map over the grey frames, the frames beside that, or the map alone",
    choices: filmViews,
    default: "overlay",
    isOfPictures: true,
  },
  raw: {
    flag: "--raw",
    help: "the map of each frame alone, not averaged over frames",
    default: false,
    isOfPictures: true,
  },
  every: {
    flag: "--every <n>",
    help: "explain one of n frames; it stays until the next one",
    read: integer(1, 100_000),
    default: 1,
    isOfPictures: true,
  },
  from: {
    flag: "--from <time>",
    help: "where to begin, of sounds too: seconds, or 1:30",
    read: clock,
    isOfPictures: true,
  },
  to: {
    flag: "--to <time>",
    help: "where to end, of sounds too: seconds, or 1:30",
    read: clock,
    isOfPictures: true,
  },
} as const satisfies OptionTable;

/** Seconds of `90`, `1:30` or `0:01:30.5`. */
function clock(text: string): number {
  const [seconds, minutes = 0, hours = 0, ...more] = text
    .split(":")
    .toReversed()
    .map((part) => number(0)(part));
  if (seconds === undefined || more.length > 0)
    throw new InvalidArgumentError("It must be seconds, as 90, or minutes and seconds, as 1:30.");
  return seconds + 60 * minutes + 3600 * hours;
}

/** Endings of names that mean one film, though not all of them can be written. */
const filmEndings = new Set([...codedFilms.extensions, "gif", "avi"]);

/**
 * The folder of results, and how films are explained.
 * @param out a folder, or the name of one new film
 * @throws OptionError if a film of that name cannot be written, or the stretch is empty
 */
export async function filmChoices(
  out: string,
  { view, raw, every, from, to }: ValuesOf<typeof filmOptions>,
): Promise<{ readonly folder: string; readonly films: FilmChoices }> {
  if (from !== undefined && to !== undefined && from >= to) {
    throw new OptionError({
      what: `cannot explain ${from} s to ${to} s`,
      why: "nothing lies between them",
      fix: "give a --to that is after --from",
    });
  }
  const choices = { view, raw, every, ...withoutUndefined({ from, to }) };
  const isFolder = (await stat(out).catch(() => undefined))?.isDirectory() === true;
  if (isFolder || !filmEndings.has(extname(out).slice(1).toLowerCase()))
    return { folder: out, films: choices };
  containerOf(out);
  return { folder: dirname(out), films: { ...choices, film: basename(out) } };
}
