/** `--target FILE`: weights of an output's elements as an array, or places of a map as a picture. */

import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { InputError, OptionError, type FloatArray } from "relprop";
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
    if (extension === ".npy") return { kind: "array", array: readNpy(await readFile(text)) };
    const { data, info } = await sharp(text)
      .greyscale()
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const marks = Float32Array.from({ length: info.width * info.height }, (_, i) =>
      (data[i * info.channels] as number) > 127 ? 1 : 0,
    );
    return { kind: "picture", width: info.width, height: info.height, marks };
  } catch (error) {
    throw cannotRead(text, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

const cannotRead = (file: string, why: string): OptionError =>
  new OptionError({ what: `cannot read the target "${file}"`, why });

/**
 * Weights of an output [.., height, width] for one sample.
 * @param dims of the output with one sample
 * @param axes of height and width, and of classes
 * @throws InputError if the mask does not fit
 */
export function maskWeights(
  mask: Mask,
  dims: readonly number[],
  { placeAxes, classAxis }: { readonly placeAxes: readonly number[]; readonly classAxis: number | undefined },
  classIndex: number,
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
  const [rows, columns] = placeAxes.slice(-2) as [number, number];
  const [height, width] = [dims[rows] as number, dims[columns] as number];
  const stride = (axis: number): number => dims.slice(axis + 1).reduce((product, n) => product * n, 1);
  const along = (flat: number, axis: number): number =>
    Math.floor(flat / stride(axis)) % (dims[axis] as number);
  const data = Float32Array.from({ length: size }, (_, flat) => {
    if (classAxis !== undefined && along(flat, classAxis) !== classIndex) return 0;
    const y = Math.floor(((along(flat, rows) + 0.5) * mask.height) / height);
    const x = Math.floor(((along(flat, columns) + 0.5) * mask.width) / width);
    return mask.marks[y * mask.width + x] as number;
  });
  return { data, dims };
}
