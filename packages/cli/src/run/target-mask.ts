/** `--target FILE`: weights of an output's elements as an array, or places of a map as a picture. */

import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { InputError, isYesOrNo, OptionError, type FloatArray, type OutputFacts } from "@relprop/core";
import { readNpy } from "@relprop/core/heatmap";
import { resample, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import sharp from "sharp";

/** What a file marks. */
export type Mask =
  | { readonly kind: "array"; readonly array: FloatArray }
  /** Brightness from 0 to 255, row by row, of the pixels that the network sees. */
  | {
      readonly kind: "picture";
      readonly width: number;
      readonly height: number;
      readonly brightness: Uint8Array;
    };

/** How a photo comes to the network's size. */
export type Geometry = Pick<InputCard, "size" | "resize" | "interpolation">;

const pictures = new Set([".png", ".jpg", ".jpeg", ".webp"]);

/** Whether a target is a picture, by its name. */
export const isPictureFile = (text: string): boolean => pictures.has(extname(text).toLowerCase());

/** Brighter pixels are white. */
const half = 127;

/**
 * Reads a mask; undefined if the text is no name of such a file. A picture is resized and cropped as a photo of its size,
 * unless it has the network's size already.
 * @throws OptionError if the file cannot be read
 */
export async function readMask(text: string, geometry: Geometry): Promise<Mask | undefined> {
  const extension = extname(text).toLowerCase();
  if (extension !== ".npy" && !pictures.has(extension)) return undefined;
  if (!(await stat(text).catch(() => undefined))?.isFile()) throw cannotRead(text, "there is no such file");
  try {
    if (extension === ".npy") return { kind: "array", array: weighing(text, readNpy(await readFile(text))) };
    const { data, info } = await sharp(text, { autoOrient: true })
      .greyscale()
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const whole = Uint8Array.from({ length: width * height }, (_, i) => data[i * channels] as number);
    if (!whole.some((grey) => grey > half)) throw marksNothing(text, "no pixel of it is white");
    const seen = asSeen({ width, height, brightness: whole }, geometry);
    if (!seen.brightness.some((grey) => grey > half))
      throw marksNothing(
        text,
        "it marks nothing of this answer: none of its white pixels is left in the crop",
      );
    return { kind: "picture", ...seen };
  } catch (error) {
    if (error instanceof OptionError) throw error;
    if (error instanceof InputError) throw cannotRead(text, error.why);
    throw cannotRead(text, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

/** The part of a mask that the network sees. */
function asSeen(
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
  const seen = Uint8Array.from({ length: columns * rows }, (_, i) => data[4 * i] as number);
  return { width: columns, height: rows, brightness: seen };
}

/** Weights that are numbers, not all of them 0. */
function weighing(text: string, array: FloatArray): FloatArray {
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
 * Whether an array has an output's shape, as far as that is known; axes of one element may be left out.
 * @throws OptionError if it has not
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
 * @param dims of the output with one sample
 * @param facts what the output is
 * @param index the class of a picture's places; undefined: the only one
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
  const [height, width] = [dims[rows] as number, dims[columns] as number];
  const isOne = isYesOrNo(facts);
  // The one number speaks for class 1 and against class 0.
  const weight = isOne && index === 0 ? -1 : 1;
  const classIndex = isOne ? 0 : (index ?? 0);
  const stride = (axis: number): number => dims.slice(axis + 1).reduce((product, n) => product * n, 1);
  const along = (flat: number, axis: number): number =>
    Math.floor(flat / stride(axis)) % (dims[axis] as number);
  const data = Float32Array.from({ length: size }, (_, flat) => {
    if (classAxis !== undefined && along(flat, classAxis) !== classIndex) return 0;
    const [top, bottom] = pixelsOf(along(flat, rows), height, mask.height);
    const [left, right] = pixelsOf(along(flat, columns), width, mask.width);
    let sum = 0;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) sum += mask.brightness[y * mask.width + x] as number;
    return sum > half * (bottom - top) * (right - left) ? weight : 0;
  });
  return { data, dims };
}

/** The pixels of one place along an axis; the one at its centre if it has less than one. */
function pixelsOf(place: number, places: number, pixels: number): [from: number, to: number] {
  const centre = Math.floor(((place + 0.5) * pixels) / places);
  const from = Math.min(Math.round((place * pixels) / places), centre);
  return [from, Math.max(Math.round(((place + 1) * pixels) / places), centre + 1)];
}
