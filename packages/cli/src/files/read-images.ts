/** Decodes pictures as the network sees them. */

import { readFile } from "node:fs/promises";
import { InputError, OptionError } from "@relprop/core";
import type { DrawingSize, Pixels } from "@relprop/core/heatmap";
import { pictureFrame, resample, resizePlan, type PictureFrame } from "@relprop/core/preprocess";
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
 * Decodes an image and resizes it for the network: EXIF orientation applied, transparency on white, resampled like
 * Pillow. (libvips pre-shrinks with a box filter and treats borders differently, which changes some grey levels.)
 * @throws InputError if it can't be decoded, claims more than 16384² pixels, or does not fit the card.
 */
export async function readImage(
  path: string,
  bytes: Uint8Array,
  card: Pick<InputCard, "size" | "resize" | "interpolation">,
): Promise<SeenPicture> {
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
