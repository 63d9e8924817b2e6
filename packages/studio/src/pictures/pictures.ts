/** Files, URLs and canvases -> pixels of the size that a model takes. */

import { InputError } from "@relprop/core";
import { resample, resizePlan } from "@relprop/core/preprocess";
import type { InputCard } from "@relprop/core/zoo";
import type { Picture } from "@relprop/engine/engine";
import { fetchBytes } from "../engine/fetch-bytes.ts";

/** A picture as it was brought, before it is resized for a model. */
export interface SourcePicture {
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

/**
 * Decodes a picture file; EXIF orientation is applied. Colour profiles are left alone, as networks were trained so.
 * @throws InputError if it is none that this browser can read.
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

/** @throws InputError or ModelFileError if there is no picture at that address, or its server forbids other pages to read it. */
export async function pictureFromUrl(url: string): Promise<SourcePicture> {
  if (!URL.canParse(url, document.baseURI)) {
    throw new InputError({
      what: `cannot open "${url}"`,
      why: "it is no address",
      fix: "start it with https://",
    });
  }
  const absolute = new URL(url, document.baseURI);
  const bytes = await fetchBytes(absolute.href);
  return pictureFromBlob(new Blob([bytes]), nameFromUrl(absolute));
}

const nameFromUrl = (url: URL): string => url.pathname.split("/").at(-1) || url.hostname;

/** Brings a picture to a model's size, as its card says, with the command's resampling; transparency lies on white. */
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
