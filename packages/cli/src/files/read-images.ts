/** Decodes pictures as the network sees them. */

import { readFile } from "node:fs/promises";
import { InputError, OptionError } from "@relprop/core";
import type { Pixels } from "@relprop/core/heatmap";
import { resample, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import sharp from "sharp";

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
