/** Finds the inputs of a run: files, folders and globs of the command line. */

import { stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { OptionError } from "@relprop/core";
import { glob, isDynamicPattern } from "tinyglobby";
import type { EarlierResults } from "./earlier-results.ts";
import { inOrder } from "../sessions/in-order.ts";

/** A file to explain. */
export interface InputFile {
  readonly path: string;
  /** Unique path of its results below the output folder, with "/" and without an extension. */
  readonly key: string;
}

/** A kind of input files. */
export interface FileKind {
  /** The plural noun: `images`. */
  readonly noun: string;
  /** Endings of their names, without the dot. */
  readonly extensions: readonly string[];
  /** Endings of files that are explained, too, but not found with these: a message names them. */
  readonly others?: readonly string[];
}

/** Pictures. */
export const imageFiles: FileKind = {
  noun: "images",
  extensions: ["png", "jpg", "jpeg", "webp", "avif", "gif", "tif", "tiff"],
};

/** Films whose frames a codec made. */
export const codedFilms: FileKind = { noun: "films", extensions: ["mp4", "m4v", "mov", "webm", "mkv"] };

/** Whether a file is of a kind, by its name. */
export const isOfKind = (path: string, { extensions }: FileKind): boolean =>
  extensions.includes(extname(path).slice(1).toLowerCase());

/** A file, and how it was found. */
interface Found {
  readonly path: string;
  /** Its path below the given folder. */
  readonly below: string;
  /** The searched folder; undefined if the file itself was named. */
  readonly folder?: string;
}

/** Files to explain. */
export interface FoundFiles {
  readonly files: readonly InputFile[];
  /** The number of results of earlier runs that were left out. */
  readonly leftOut: number;
}

/**
 * Finds files of a kind: files as they are, folders recursively, globs. Sorted by path, each once. A file that does not exist
 * is kept, so that it fails alone when it's read. Results of earlier runs are left out, unless nothing else was named file
 * by file.
 * @throws OptionError if nothing is asked for, or a folder or a glob holds no such files.
 */
export async function findFiles(
  sources: readonly string[],
  results: EarlierResults,
  kind: FileKind = imageFiles,
): Promise<FoundFiles> {
  const { noun } = kind;
  const found = new Map<string, Found>();
  for (const source of sources) {
    for (const file of await filesOf(source, kind)) found.set(resolve(file.path), file);
  }
  if (found.size === 0) {
    throw new OptionError({
      what: `no ${noun}`,
      why: "none were given",
      fix: "name files, folders or globs",
    });
  }
  const all = [...found.values()].sort((a, c) => (a.path < c.path ? -1 : 1));
  const kept = await withoutResults(all, results);
  if (kept.length === 0) {
    throw new OptionError({
      what: `no ${noun} in ${sources.map((source) => `"${source}"`).join(", ")}`,
      why: "all files there were written by relprop, or lie in the output folder",
      fix: `name the ${noun} to explain, or another output folder (-o)`,
    });
  }
  return { files: withKeys(kept), leftOut: all.length - kept.length };
}

/** The number of files that are checked at a time. */
const maxOpenFiles = 64;

async function withoutResults(found: readonly Found[], results: EarlierResults): Promise<Found[]> {
  const keep = async ({ path, folder }: Found): Promise<boolean> =>
    !(folder !== undefined && (await results.isInOutputFolder(path, folder))) && !(await results.has(path));
  const isKept: boolean[] = [];
  for await (const each of inOrder(found, maxOpenFiles, keep)) isKept.push(each);
  const isNamed = ({ folder }: Found): boolean => folder === undefined;
  const kept = found.filter((_image, i) => isKept[i]);
  return kept.some(isNamed) ? kept : found.filter((image, i) => isKept[i] || isNamed(image));
}

async function filesOf(source: string, { noun, extensions, others = [] }: FileKind): Promise<Found[]> {
  const info = await stat(source).catch(() => undefined);
  const isGlob = !info && isDynamicPattern(source);
  if (!isGlob && !info?.isDirectory()) return [{ path: source, below: basename(source) }];
  const pattern = isGlob ? source.replaceAll("\\", "/") : `**/*.{${extensions.join(",")}}`;
  const paths = await glob(pattern, {
    ...(isGlob ? {} : { cwd: source }),
    caseSensitiveMatch: isGlob,
    onlyFiles: true,
    expandDirectories: false,
  });
  if (paths.length === 0) {
    const why = isGlob ? "nothing matches it" : `it has no ${[...extensions, ...others].join(", ")}`;
    throw new OptionError({ what: `no ${noun} in "${source}"`, why });
  }
  if (!isGlob) return paths.map((path) => ({ path: join(source, path), below: path, folder: source }));
  const folder = commonFolder(paths);
  return paths.map((path) => ({ path, below: relative(folder, path), folder }));
}

/** The deepest folder that contains all given files. */
function commonFolder(paths: readonly string[]): string {
  const split = paths.map((path) => dirname(resolve(path)).split(sep));
  const first = split[0] ?? [];
  const shared = first.findIndex((part, i) => split.some((parts) => parts[i] !== part));
  return first.slice(0, shared === -1 ? first.length : shared).join(sep) || sep;
}

/** Gives each file its shortest unique name: `cat`, else `cat.jpg`, else the path from a common folder. */
function withKeys(images: readonly Found[]): InputFile[] {
  const root = commonFolder(images.map(({ path }) => path));
  const names: readonly ((image: Found) => string)[] = [
    ({ below }) => below.slice(0, below.length - extname(below).length),
    ({ below }) => below,
    ({ path }) => relative(root, resolve(path)),
  ];
  let keys = images.map(names[0] ?? String);
  for (const name of names.slice(1)) {
    const taken = new Map<string, number>();
    for (const key of keys) taken.set(key.toLowerCase(), (taken.get(key.toLowerCase()) ?? 0) + 1);
    keys = keys.map((key, i) => ((taken.get(key.toLowerCase()) ?? 0) > 1 ? name(images[i] as Found) : key));
  }
  return images.map(({ path }, i) => ({ path, key: (keys[i] ?? "").split(sep).join("/") }));
}
