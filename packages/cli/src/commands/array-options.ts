/** Options of arrays, tables and signals, and when a run is one on them. */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { glob } from "tinyglobby";
import { OptionError } from "@relprop/core";
import { readModelFile } from "@relprop/core/node";
import { isOwnPicture } from "../files/own-files.ts";
import { arrayFiles } from "../arrays/open-file.ts";
import { imageFiles, isOfKind } from "../files/find-files.ts";
import { integer, number } from "./arguments.ts";
import type { OptionTable } from "./options.ts";

export const arrayOptions = {
  feed: {
    flag: "--feed <input=file>",
    help: "a further input: .npy, .npz, .csv, .json, a picture, or a folder of files called as the others; may be repeated",
    read: feed,
  },
  columns: {
    flag: "--columns <list>",
    help: "columns of a table that are the model's features, in its order (all of numbers)",
    read: (text: string): string[] => text.split(",").map((name) => name.trim()),
  },
  labelsInput: { flag: "--labels-input <file>", help: "names of features or channels: JSON, or one a line" },
  rate: {
    flag: "--rate <hertz>",
    help: "samples of a signal per second, for the time axis",
    read: number(Number.MIN_VALUE),
  },
  figures: {
    flag: "--figures <n>",
    help: "samples of a file that a figure is drawn of; 0 draws none",
    read: integer(0, 10_000),
    default: 8,
  },
} as const satisfies OptionTable;

function feed(text: string, before: Map<string, string> | undefined): Map<string, string> {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("It must be INPUT=FILE.");
  return new Map([...(before ?? []), [text.slice(0, at), text.slice(at + 1)]]);
}

/**
 * Whether files of numbers are named, or folders and globs that hold them and no pictures.
 * @throws OptionError if pictures and numbers are named side by side
 */
export async function areArrays(
  sources: readonly string[],
  model: string,
  hasFeeds: boolean,
): Promise<boolean> {
  if (hasFeeds) return true;
  const kinds = await Promise.all(sources.map((source) => kindOf(source, model)));
  const isArray = kinds.includes("array");
  if (isArray && kinds.includes("picture")) {
    throw new OptionError({
      what: "pictures and arrays do not go together",
      why: `"${sources[kinds.indexOf("picture")]}" is of pictures, "${sources[kinds.indexOf("array")]}" of numbers`,
      fix: "explain them in two runs, or give one of them as a further input with --feed INPUT=FILE",
    });
  }
  return isArray;
}

async function kindOf(source: string, model: string): Promise<"array" | "picture" | undefined> {
  if (isOfKind(source, arrayFiles)) return "array";
  if (isOfKind(source, imageFiles)) return "picture";
  if ((await stat(source).catch(() => undefined))?.isDirectory() !== true) return undefined;
  const has = async (extensions: readonly string[]): Promise<boolean> =>
    (await glob(`**/*.{${extensions.join(",")}}`, { cwd: source, caseSensitiveMatch: false })).length > 0;
  const isOfArrays = await has(arrayFiles.extensions.filter((each) => each !== "json"));
  if (!isOfArrays || !(await hasPictures(source))) return isOfArrays ? "array" : undefined;
  // A photo may lie beside tables, and a table beside photos: the model says which are meant.
  return takesPictures(model) ? "picture" : "array";
}

/** Whether a folder has pictures that relprop did not draw. */
async function hasPictures(folder: string): Promise<boolean> {
  const pattern = `**/*.{${imageFiles.extensions.join(",")}}`;
  for (const name of await glob(pattern, { cwd: folder, caseSensitiveMatch: false }))
    if (!(await isOwnPicture(join(folder, name)))) return true;
  return false;
}

/** Whether a model has an input of four axes; one that is no .onnx file is a network of pictures. */
function takesPictures(model: string): boolean {
  if (!/\.onnx$/i.test(model) || !existsSync(model)) return true;
  const { graph } = readModelFile(model);
  return graph.inputs.some(({ name, shape }) => shape.length === 4 && !graph.initializers.has(name));
}
