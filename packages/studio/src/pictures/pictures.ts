/** Files, URLs and canvases -> pixels of the model's size. */

import { InputError } from "@relprop/core";
import { resample, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import type { Picture } from "@relprop/engine/engine";
import { fetchBytes } from "../engine/fetch-bytes.ts";

/** A picture in its original size. */
export interface SourcePicture {
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

/**
 * Decodes a picture file; EXIF orientation is applied. Colour profiles are ignored, as they are when networks are trained.
 * @throws InputError if this browser cannot decode it.
 */
export async function pictureFromBlob(blob: Blob, name: string): Promise<SourcePicture> {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }).catch((error: unknown) => {
    throw new InputError(
      {
        what: `cannot read "${name}"`,
        why: "this browser cannot decode it as a picture",
        fix: "use a PNG, JPEG, WebP, GIF or AVIF file",
      },
      { cause: error },
    );
  });
  return { name, bitmap };
}

/** @throws InputError or ModelFileError if the address has no picture, or its server forbids other pages to read it. */
export async function pictureFromUrl(url: string): Promise<SourcePicture> {
  if (!URL.canParse(url, document.baseURI)) {
    throw new InputError({
      what: `cannot open "${url}"`,
      why: "it is not an address",
      fix: "start it with https://",
    });
  }
  const absolute = new URL(url, document.baseURI);
  const bytes = await fetchBytes(absolute.href);
  return pictureFromBlob(new Blob([bytes]), nameFromUrl(absolute));
}

const nameFromUrl = (url: URL): string => url.pathname.split("/").at(-1) || url.hostname;

/** Resizes a picture for a model by its card, with the command's resampling; transparency becomes white. */
export async function fitPicture(
  bitmap: ImageBitmap,
  input: Pick<InputCard, "size" | "resize" | "interpolation">,
): Promise<Picture> {
  const { width, height } = bitmap;
  const plan = resizePlan(width, height, input);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context)
    throw new InputError({ what: "cannot resize the picture", why: "the browser gave no canvas" });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const isSame = plan.width === width && plan.height === height && !plan.pad;
  const { left, top } = plan.crop;
  const pixels = isSame
    ? context.getImageData(left, top, plan.crop.width, plan.crop.height)
    : resample(context.getImageData(0, 0, width, height), plan, input.interpolation);
  return { data: pixels.data, width: pixels.width, height: pixels.height };
}
