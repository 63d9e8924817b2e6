/** `--target FILE`: weights of an output's elements as an array, or places of a map as a picture. */

import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { InputError, isYesOrNo, OptionError, type FloatArray, type OutputFacts } from "relprop";
import { readNpy } from "relprop/heatmap";
import sharp from "sharp";

/** What a file marks. */
export type Mask =
  | { readonly kind: "array"; readonly array: FloatArray }
  /** 1 at white pixels, 0 at black ones, row by row. */
  | {
      readonly kind: "picture";
      readonly width: number;
      readonly height: number;
      readonly marks: Float32Array;
    };

const pictures = new Set([".png", ".jpg", ".jpeg", ".webp"]);

/**
 * Reads a mask; undefined if the text is no name of such a file.
 * @throws OptionError if the file cannot be read
 */
export async function readMask(text: string): Promise<Mask | undefined> {
  const extension = extname(text).toLowerCase();
  if (extension !== ".npy" && !pictures.has(extension)) return undefined;
  if (!(await stat(text).catch(() => undefined))?.isFile()) throw cannotRead(text, "there is no such file");
  try {
    if (extension === ".npy") return { kind: "array", array: weighing(text, readNpy(await readFile(text))) };
    const { data, info } = await sharp(text)
      .greyscale()
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const marks = Float32Array.from({ length: info.width * info.height }, (_, i) =>
      (data[i * info.channels] as number) > 127 ? 1 : 0,
    );
    if (!marks.includes(1)) throw marksNothing(text, "no pixel of it is white");
    return { kind: "picture", width: info.width, height: info.height, marks };
  } catch (error) {
    if (error instanceof OptionError) throw error;
    if (error instanceof InputError) throw cannotRead(text, error.why);
    throw cannotRead(text, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
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
    const y = Math.floor(((along(flat, rows) + 0.5) * mask.height) / height);
    const x = Math.floor(((along(flat, columns) + 0.5) * mask.width) / width);
    return weight * (mask.marks[y * mask.width + x] as number);
  });
  return { data, dims };
}
