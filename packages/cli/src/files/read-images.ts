/** Finds images and decodes them as the network sees them. */

import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import type { Pixels } from "@relprop/core/heatmap";
import { resample, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import sharp from "sharp";
import { glob, isDynamicPattern } from "tinyglobby";
import type { EarlierResults } from "./earlier-results.ts";
import { inOrder } from "../sessions/in-order.ts";

/** An image to explain. */
export interface ImageFile {
  readonly path: string;
  /** Unique path of its results below the output folder, with "/" and without an extension. */
  readonly key: string;
}

const extensions = ["png", "jpg", "jpeg", "webp", "avif", "gif", "tif", "tiff"];
const ofFolders = `**/*.{${extensions.join(",")}}`;

/** An image, and how it was found. */
interface Found {
  readonly path: string;
  /** Its path below the given folder. */
  readonly below: string;
  /** The searched folder; undefined if the image itself was named. */
  readonly folder?: string;
}

/** Images to explain. */
export interface FoundImages {
  readonly images: readonly ImageFile[];
  /** The number of results of earlier runs that were left out. */
  readonly leftOut: number;
}

/**
 * Finds images: files, folders (recursively), globs. Sorted by path, without duplicates. A missing file stays in the
 * list and fails when it is read. Results of earlier runs are left out; result files named one by one stay if no other
 * image was named.
 * @throws OptionError if nothing is given, or a folder or a glob has no images.
 */
export async function findImages(sources: readonly string[], results: EarlierResults): Promise<FoundImages> {
  const found = new Map<string, Found>();
  for (const source of sources) {
    for (const image of await imagesOf(source)) found.set(resolve(image.path), image);
  }
  if (found.size === 0) {
    throw new OptionError({ what: "no images", why: "none were given", fix: "name files, folders or globs" });
  }
  const all = [...found.values()].sort((a, c) => (a.path < c.path ? -1 : 1));
  const kept = await withoutResults(all, results);
  if (kept.length === 0) {
    throw new OptionError({
      what: `no images in ${sources.map((source) => `"${source}"`).join(", ")}`,
      why: "all pictures there were written by relprop, or lie in the output folder",
      fix: "name the pictures to explain, or another output folder (-o)",
    });
  }
  return { images: withKeys(kept), leftOut: all.length - kept.length };
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

async function imagesOf(source: string): Promise<Found[]> {
  const info = await stat(source).catch(() => undefined);
  const isGlob = !info && isDynamicPattern(source);
  if (!isGlob && !info?.isDirectory()) return [{ path: source, below: basename(source) }];
  const pattern = isGlob ? source.replaceAll("\\", "/") : ofFolders;
  const paths = await glob(pattern, {
    ...(isGlob ? {} : { cwd: source }),
    caseSensitiveMatch: isGlob,
    onlyFiles: true,
    expandDirectories: false,
  });
  if (paths.length === 0) {
    const why = isGlob ? "nothing matches it" : `it has no ${extensions.join(", ")}`;
    throw new OptionError({ what: `no images in "${source}"`, why });
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

/** Gives each image its shortest unique name: `cat`, else `cat.jpg`, else the path from a common folder. */
function withKeys(images: readonly Found[]): ImageFile[] {
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

/** @throws InputError if the file cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError({ what: `cannot read "${path}"`, why });
  });
}

/** A header can claim any size; this many pixels take 0.8 GB. */
const maxPixels = 16384 ** 2;

/**
 * Decodes an image and resizes it for the network: EXIF orientation applied, transparency on white, resampled like
 * Pillow. (libvips pre-shrinks with a box filter and treats borders differently, which changes some grey levels.)
 * @throws InputError if it can't be decoded, claims more than 16384² pixels, or does not fit the card.
 */
export async function readImage(
  path: string,
  bytes: Uint8Array,
  card: Pick<InputCard, "size" | "resize" | "interpolation">,
): Promise<Pixels> {
  try {
    // Colour profiles are ignored, as they are when networks are trained.
    const image = sharp(bytes, { autoOrient: true, ignoreIcc: true, limitInputPixels: maxPixels });
    const { autoOrient } = await image.metadata();
    const plan = resizePlan(autoOrient.width, autoOrient.height, card);
    const { data, info } = await image
      .flatten({ background: "#fff" })
      .toColourspace("srgb")
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return resample({ data, width: info.width, height: info.height }, plan, card.interpolation);
  } catch (error) {
    if (error instanceof InputError || error instanceof OptionError) throw error;
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new InputError({ what: `cannot read "${path}"`, why }, { cause: error });
  }
}
