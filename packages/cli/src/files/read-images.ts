/** Which images are meant, and their pixels as the network sees them. */

import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import type { DrawingSize, Pixels } from "@relprop/core/heatmap";
import { pictureFrame, resample, resizePlan, type PictureFrame } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import sharp from "sharp";
import { glob, isDynamicPattern } from "tinyglobby";
import type { EarlierResults } from "./earlier-results.ts";
import { inOrder } from "../sessions/in-order.ts";

/** An image that was asked for. */
export interface ImageFile {
  readonly path: string;
  /** Where its results go: a path below the output folder, with "/" and without an extension; no two are the same. */
  readonly key: string;
}

const extensions = ["png", "jpg", "jpeg", "webp", "avif", "gif", "tif", "tiff"];
const ofFolders = `**/*.{${extensions.join(",")}}`;

/** An image, and how it was found. */
interface Found {
  readonly path: string;
  /** Its path below what the user named. */
  readonly below: string;
  /** The folder that was searched; none if the image itself was named. */
  readonly folder?: string;
}

/** Images to explain. */
export interface FoundImages {
  readonly images: readonly ImageFile[];
  /** How many others were found that are results of earlier runs. */
  readonly leftOut: number;
}

/**
 * Finds images: files as they are, folders recursively, globs. Sorted by path, each once. A file that does not exist
 * is kept, so that it fails alone when it's read. Results of earlier runs are left out, unless nothing else was named file
 * by file.
 * @throws OptionError if nothing is asked for, or a folder or a glob holds no images.
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
      why: "all that is there was written by relprop, or lies in the output folder",
      fix: "name the pictures that the network is to see, or another output folder (-o)",
    });
  }
  return { images: withKeys(kept), leftOut: all.length - kept.length };
}

/** So many files are open at a time. */
const lookedAt = 64;

async function withoutResults(found: readonly Found[], results: EarlierResults): Promise<Found[]> {
  const keep = async ({ path, folder }: Found): Promise<boolean> =>
    !(folder !== undefined && (await results.areWhere(path, folder))) && !(await results.has(path));
  const isKept: boolean[] = [];
  for await (const each of inOrder(found, lookedAt, keep)) isKept.push(each);
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
    const why = isGlob ? "nothing matches it" : `it holds no ${extensions.join(", ")}`;
    throw new OptionError({ what: `no images in "${source}"`, why });
  }
  if (!isGlob) return paths.map((path) => ({ path: join(source, path), below: path, folder: source }));
  const folder = commonFolder(paths);
  return paths.map((path) => ({ path, below: relative(folder, path), folder }));
}

/** The deepest folder that holds all of some files. */
function commonFolder(paths: readonly string[]): string {
  const split = paths.map((path) => dirname(resolve(path)).split(sep));
  const first = split[0] ?? [];
  const shared = first.findIndex((part, i) => split.some((parts) => parts[i] !== part));
  return first.slice(0, shared === -1 ? first.length : shared).join(sep) || sep;
}

/** Shortest name that tells an image from the others: `cat`, else `cat.jpg`, else the path from a common folder. */
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

/** A header can claim any size; this many pixels decode to 0.8 GB. */
const maxPixels = 16384 ** 2;

/** An image as the network sees it, and whole. */
export interface SeenPicture extends Pixels {
  /** The whole image as it is drawn, of the size that {@link drawnSize} says. */
  readonly whole: Pixels;
  /** Where in it the network's input lies. */
  readonly geometry: PictureFrame;
}

/** Figures show pictures at 480 pixels, on screens of two pixels for one. */
const longestDrawn = 960;

/** The image's own size; larger where the network sees finer than that, smaller where nobody could see it. */
function drawnSize({ picture, input, frame }: PictureFrame): DrawingSize {
  const fine = Math.max(
    1,
    input.width / (frame.right - frame.left),
    input.height / (frame.bottom - frame.top),
  );
  const scale = Math.min(fine, longestDrawn / Math.max(picture.width, picture.height));
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: side(picture.width), height: side(picture.height) };
}

/**
 * Decodes an image and brings it to the network's size: EXIF orientation applied, transparency on white, resampled as Pillow
 * does it, and the studio. (libvips shrinks by boxes first, and has other borders: some grey levels.)
 * @throws InputError if it can't be decoded, claims more than 16384² pixels, or does not fit the card.
 */
export async function readImage(
  path: string,
  bytes: Uint8Array,
  card: Pick<InputCard, "size" | "resize" | "interpolation">,
): Promise<SeenPicture> {
  try {
    // Colour profiles are left alone: networks were trained on pictures that were read so.
    const image = sharp(bytes, { autoOrient: true, ignoreIcc: true, limitInputPixels: maxPixels });
    const { autoOrient } = await image.metadata();
    const plan = resizePlan(autoOrient.width, autoOrient.height, card);
    const { data, info } = await image
      .flatten({ background: "#fff" })
      .toColourspace("srgb")
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const geometry = pictureFrame(width, height, plan);
    const seen = resample({ data, width, height }, plan, card.interpolation);
    return { ...seen, geometry, whole: await drawn({ data, width, height }, drawnSize(geometry)) };
  } catch (error) {
    if (error instanceof InputError || error instanceof OptionError) throw error;
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new InputError({ what: `cannot read "${path}"`, why }, { cause: error });
  }
}

/** The image in the size that it is drawn in. */
async function drawn(
  image: { readonly data: Buffer; readonly width: number; readonly height: number },
  size: DrawingSize,
): Promise<Pixels> {
  const isSame = image.width === size.width && image.height === size.height;
  const raw = { width: image.width, height: image.height, channels: 4 as const };
  const data = isSame
    ? image.data
    : await sharp(image.data, { raw })
        .resize({ ...size, fit: "fill" })
        .raw()
        .toBuffer();
  return { data: new Uint8ClampedArray(data), ...size };
}
