/** Files, URLs and canvases -> pixels of the size that a model takes. */

import { InputError } from "relprop";
import { resizePlan } from "relprop/preprocess";
import type { InputCard } from "relprop/zoo";
import type { Picture } from "../engine/engine.ts";
import { fetchBytes } from "../engine/fetch-bytes.ts";

/** A picture as it was brought, before it is resized for a model. */
export interface SourcePicture {
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

/**
 * Decodes a picture file; EXIF orientation is applied.
 * @throws InputError if it is none that this browser can read.
 */
export async function pictureFromBlob(blob: Blob, name: string): Promise<SourcePicture> {
  const bitmap = await createImageBitmap(blob).catch((error: unknown) => {
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

/** Brings a picture to a model's size, as its card says: resize with antialiasing, then crop the centre. */
export async function fitPicture(
  bitmap: ImageBitmap,
  input: Pick<InputCard, "size" | "resize">,
): Promise<Picture> {
  const { width, height, crop } = resizePlan(bitmap.width, bitmap.height, input);
  const isSame = width === bitmap.width && height === bitmap.height;
  const resized = isSame
    ? bitmap
    : await createImageBitmap(bitmap, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  const canvas = new OffscreenCanvas(crop.width, crop.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context)
    throw new InputError({ what: "cannot resize the picture", why: "the browser gave no canvas" });
  context.drawImage(resized, -crop.left, -crop.top);
  if (!isSame) resized.close();
  const { data } = context.getImageData(0, 0, crop.width, crop.height);
  return { data, width: crop.width, height: crop.height };
}
