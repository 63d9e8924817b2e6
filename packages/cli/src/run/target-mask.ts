/** `--target FILE`: weights of output elements as an array, or places of a map as a picture. */

import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { InputError, OptionError, type FloatArray, type OutputFacts } from "@relprop/core";
import { readNpy } from "@relprop/core/heatmap";
import { isYesOrNo } from "@relprop/core/internal";
import { resample, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import sharp from "sharp";

/** The content of a target file. */
export type Mask =
  | { readonly kind: "array"; readonly array: FloatArray }
  /** Brightness from 0 to 255, row by row, of the network's input pixels. */
  | {
      readonly kind: "picture";
      readonly width: number;
      readonly height: number;
      readonly brightness: Uint8Array;
    };

/** How a photo is resized for the network. */
export type Geometry = Pick<InputCard, "size" | "resize" | "interpolation">;

const pictures = new Set([".png", ".jpg", ".jpeg", ".webp"]);

/** Whether a file name is that of a picture. */
export const isPictureFile = (text: string): boolean => pictures.has(extname(text).toLowerCase());

/** Brighter pixels count as white. */
const half = 127;

/**
 * Reads a mask; undefined if the text does not name such a file. A picture is resized and cropped like a photo of its
 * size, unless it already has the network's size.
 * @param geometry undefined where the explained input is no picture
 * @throws OptionError if the file cannot be read
 */
export async function readMask(text: string, geometry: Geometry | undefined): Promise<Mask | undefined> {
  const extension = extname(text).toLowerCase();
  if (extension !== ".npy" && !pictures.has(extension)) return undefined;
  if (!(await stat(text).catch(() => undefined))?.isFile()) throw cannotRead(text, "there is no such file");
  try {
    if (extension === ".npy")
      return { kind: "array", array: requireUsableWeights(text, readNpy(await readFile(text))) };
    if (!geometry) throw cannotRead(text, "it marks places of a picture, and the explained input is none");
    const { data, info } = await sharp(text, { autoOrient: true })
      .greyscale()
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const whole = Uint8Array.from({ length: width * height }, (_, i) => data[i * channels] ?? 0);
    if (!whole.some((grey) => grey > half)) throw marksNothing(text, "no pixel of it is white");
    const seen = croppedMask({ width, height, brightness: whole }, geometry);
    if (!seen.brightness.some((grey) => grey > half))
      throw marksNothing(text, "it marks no part of this answer: the crop contains none of its white pixels");
    return { kind: "picture", ...seen };
  } catch (error) {
    if (error instanceof OptionError) throw error;
    if (error instanceof InputError) throw cannotRead(text, error.why);
    throw cannotRead(text, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

/** The part of a mask that the network sees. */
function croppedMask(
  mask: Omit<Extract<Mask, { kind: "picture" }>, "kind">,
  geometry: Geometry,
): Omit<Extract<Mask, { kind: "picture" }>, "kind"> {
  const [rows, columns] = geometry.size;
  const { width, height, brightness } = mask;
  if (width === columns && height === rows) return mask;
  const plan = resizePlan(width, height, geometry);
  const rgba = new Uint8Array(4 * brightness.length);
  for (const [i, grey] of brightness.entries()) rgba.fill(grey, 4 * i, 4 * i + 4);
  // Padding marks nothing, whatever its colour.
  const onBlack = { ...plan, ...(plan.pad && { pad: [0, 0, 0] as const }) };
  const { data } = resample({ data: rgba, width, height }, onBlack, geometry.interpolation);
  const seen = Uint8Array.from({ length: columns * rows }, (_, i) => data[4 * i] ?? 0);
  return { width: columns, height: rows, brightness: seen };
}

/** @throws OptionError if a weight is not finite, or all are 0 */
function requireUsableWeights(text: string, array: FloatArray): FloatArray {
  const bad = array.data.find((weight) => !Number.isFinite(weight));
  if (bad !== undefined) throw cannotRead(text, `one of its weights is ${bad}`);
  if (array.data.every((weight) => weight === 0)) throw marksNothing(text, "all its weights are 0");
  return array;
}

const marksNothing = (text: string, why: string): OptionError =>
  new OptionError({ what: `cannot explain what "${text}" marks`, why });

const cannotRead = (file: string, why: string): OptionError =>
  new OptionError({ what: `cannot read the target "${file}"`, why });

/**
 * Checks that an array has the output's shape, as far as it is known; axes of size 1 may be left out.
 * @throws OptionError if it does not
 */
export function requireShape(
  text: string,
  { dims }: FloatArray,
  { shape, batchAxis }: Pick<OutputFacts, "shape" | "batchAxis">,
): void {
  const wanted = shape.filter((dim, axis) => axis !== batchAxis && dim !== 1);
  const own = dims.filter((dim) => dim !== 1);
  const isOpen = wanted.some((dim) => typeof dim === "string");
  if (isOpen || own.join() === wanted.join()) return;
  throw new OptionError({
    what: `cannot use the target "${text}"`,
    why: `it has the shape [${dims.join(", ")}], the output has [${shape.join(", ")}]`,
    fix: "give one weight for each element of one sample's output",
  });
}

/**
 * Weights of an output [.., height, width] for one sample.
 * @param dims shape of the output for one sample
 * @param facts description of the output
 * @param index class of a picture's places; undefined if there is only one
 * @throws InputError if the mask does not fit
 */
export function maskWeights(
  mask: Mask,
  dims: readonly number[],
  facts: OutputFacts,
  index: number | undefined,
): FloatArray {
  const size = dims.reduce((product, n) => product * n, 1);
  if (mask.kind === "array") {
    const { array } = mask;
    const own = array.dims.filter((n) => n !== 1).join();
    if (array.data.length === size && own === dims.filter((n) => n !== 1).join())
      return { data: array.data, dims };
    throw new InputError({
      what: "cannot use this target",
      why: `it has the shape [${array.dims.join(", ")}], the answer has [${dims.join(", ")}]`,
    });
  }
  const { placeAxes, classAxis } = facts;
  const [rows, columns] = placeAxes.slice(-2) as [number, number];
  const [height = 1, width = 1] = [dims[rows], dims[columns]];
  const isOne = isYesOrNo(facts);
  // The single number speaks for class 1 and against class 0.
  const weight = isOne && index === 0 ? -1 : 1;
  const classIndex = isOne ? 0 : (index ?? 0);
  const stride = (axis: number): number => dims.slice(axis + 1).reduce((product, n) => product * n, 1);
  const along = (flat: number, axis: number): number => Math.floor(flat / stride(axis)) % (dims[axis] ?? 1);
  const data = Float32Array.from({ length: size }, (_, flat) => {
    if (classAxis !== undefined && along(flat, classAxis) !== classIndex) return 0;
    const [top, bottom] = pixelsOf(along(flat, rows), height, mask.height);
    const [left, right] = pixelsOf(along(flat, columns), width, mask.width);
    let sum = 0;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) sum += mask.brightness[y * mask.width + x] ?? 0;
    return sum > half * (bottom - top) * (right - left) ? weight : 0;
  });
  return { data, dims };
}

/** The pixels of one place along an axis; if a place is smaller than a pixel, the pixel at its centre. */
function pixelsOf(place: number, places: number, pixels: number): [from: number, to: number] {
  const centre = Math.floor(((place + 0.5) * pixels) / places);
  const from = Math.min(Math.round((place * pixels) / places), centre);
  return [from, Math.max(Math.round(((place + 1) * pixels) / places), centre + 1)];
}
