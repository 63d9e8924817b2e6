/** What the sources of a run are: pictures and films, or arrays and sounds. */

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { OptionError } from "@relprop/core";
import { takesPicture } from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";
import { glob } from "tinyglobby";
import { arrayFiles } from "../arrays/open-file.ts";
import { codedFilms, imageFiles, isOfKind } from "../files/find-files.ts";
import { isOwnPicture } from "../files/own-files.ts";
import { soundFiles } from "../sounds/read-sound.ts";

/** How sources are explained. */
export interface SourceKinds {
  /** Whether they are arrays or sounds; else they are pictures or films. */
  readonly areArrays: boolean;
  /** Whether films of folders are explained, by their sound. */
  readonly hasFilms: boolean;
  /** Files of folders that are left out though they may have been meant, in words. */
  readonly leftOut: readonly string[];
}

type Kind = "array" | "picture";

interface OfSource {
  readonly kind?: Kind;
  readonly hasFilms?: boolean;
  readonly leftOut?: string;
}

/**
 * Reads the names of files, and what lies in folders.
 * @throws OptionError if pictures and numbers are named side by side
 */
export async function sourceKinds(
  sources: readonly string[],
  model: string,
  hasFeeds: boolean,
): Promise<SourceKinds> {
  if (hasFeeds) return { areArrays: true, hasFilms: false, leftOut: [] };
  const all = await Promise.all(sources.map((source) => kindOf(source, model)));
  const kinds = all.map(({ kind }) => kind);
  const areArrays = kinds.includes("array");
  if (areArrays && kinds.includes("picture")) {
    throw new OptionError({
      what: "pictures and arrays do not go together",
      why: `"${sources[kinds.indexOf("picture")]}" is of pictures, "${sources[kinds.indexOf("array")]}" of numbers`,
      fix: "explain them in two runs, or give one of them as a further input with --feed INPUT=FILE",
    });
  }
  return {
    areArrays,
    hasFilms: all.some((each) => each.hasFilms === true),
    leftOut: all.flatMap(({ leftOut }) => leftOut ?? []),
  };
}

async function kindOf(source: string, model: string): Promise<OfSource> {
  if (isOfKind(source, arrayFiles) || isOfKind(source, soundFiles)) return { kind: "array" };
  if (isOfKind(source, imageFiles)) return { kind: "picture" };
  // Of a film the model sees the pictures, or hears the sound.
  if (isOfKind(source, codedFilms)) return { kind: takesPictures(model) ? "picture" : "array" };
  if ((await stat(source).catch(() => undefined))?.isDirectory() !== true) return {};
  const namesOf = async (extensions: readonly string[]): Promise<string[]> =>
    glob(`**/*.{${extensions.join(",")}}`, { cwd: source, caseSensitiveMatch: false });
  const arrays = (await namesOf(arrayFiles.extensions.filter((each) => each !== "json"))).length;
  const sounds = (await namesOf(soundFiles.extensions)).length;
  const filmed = (await namesOf(codedFilms.extensions)).length;
  const pictures = await picturesIn(source, await namesOf(imageFiles.extensions));
  if (arrays + sounds === 0) {
    const areHeard = filmed > 0 && pictures === 0 && !takesPictures(model);
    return areHeard ? { kind: "array", hasFilms: true } : {};
  }
  const leftOut = (others: readonly (readonly [number, string])[]): Pick<OfSource, "leftOut"> => {
    const named = others.flatMap(([each, noun]) =>
      each > 0 ? [`${each} ${noun}${each === 1 ? "" : "s"}`] : [],
    );
    return sounds === 0 || named.length === 0 ? {} : { leftOut: `${named.join(" and ")} in "${source}"` };
  };
  // A photo may lie beside tables, and a table beside photos: the model says which are meant.
  const areSeen = (pictures > 0 || (filmed > 0 && sounds > 0)) && takesPictures(model);
  return areSeen
    ? { kind: "picture", ...leftOut([[sounds, "sound"]]) }
    : {
        kind: "array",
        ...leftOut([
          [pictures, "picture"],
          [filmed, "film"],
        ]),
      };
}

/** How many pictures relprop did not draw; one is enough. */
async function picturesIn(folder: string, names: readonly string[]): Promise<number> {
  for (const [i, name] of names.entries())
    if (!(await isOwnPicture(join(folder, name)))) return names.length - i;
  return 0;
}

/** Whether a model has an input of pictures; one that is no .onnx file is a network of pictures. */
function takesPictures(model: string): boolean {
  if (!/\.onnx$/i.test(model) || !existsSync(model)) return true;
  const { graph } = readModelFile(model);
  return graph.inputs.some((input) => takesPicture(input) && !graph.initializers.has(input.name));
}
