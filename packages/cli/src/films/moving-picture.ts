/** GIF and animated WebP -> frames. */

import { readFile } from "node:fs/promises";
import { InputError } from "@relprop/core";
import sharp, { type Metadata } from "sharp";
import { noFrames } from "../media/jobs.ts";
import type { Film, FilmFrame, FilmStretch } from "./film.ts";

/** A header can claim any size; this many pixels of one frame decode to 0.3 GB. */
const mostPixels = 8192 ** 2;
/** So many pixels are decoded at a time: each time the file is read from its beginning. */
const pixelsAtOnce = 2 ** 26;
/** Seconds that a frame shows whose file says nothing, or 10 ms and less: as browsers do. */
const usualDelay = 0.1;

/** Whether a file is a GIF or WebP with several frames; false for what cannot be read. */
export async function isMovingPicture(path: string): Promise<boolean> {
  const { pages = 1, format } = await sharp(path)
    .metadata()
    .catch((): Partial<Metadata> => ({}));
  return pages > 1 && (format === "gif" || format === "webp");
}

/** @throws Error if it cannot be read */
export async function openMovingPicture(
  path: string,
  { from = 0, to, every = 1 }: FilmStretch,
): Promise<Film> {
  const bytes = await readFile(path);
  const {
    pages = 1,
    delay = [],
    width,
    height: whole,
    pageHeight: height = whole,
    format,
  } = await sharp(bytes).metadata();
  if (format !== "gif" && format !== "webp") throw new Error(`${format} is no film`);
  if (width * height > mostPixels) throw new Error(`its frames claim ${width}×${height} pixels`);
  const delays = Array.from({ length: pages }, (_, page) => {
    const milliseconds = delay[page] ?? 0;
    return milliseconds > 10 ? milliseconds / 1000 : usualDelay;
  });
  let duration = 0;
  const times = delays.map((seconds) => {
    duration += seconds;
    return duration - seconds;
  });
  const wanted = times.flatMap((time, page) =>
    time + (delays[page] ?? 0) > from && (to === undefined || time < to) ? [page] : [],
  );
  if (wanted.length === 0) throw new Error(noFrames(duration, true));
  const rate = pages / duration;
  return { width, height, rate, duration, rotation: 0, frames: frames() };

  async function* frames(): AsyncGenerator<FilmFrame, void, undefined> {
    const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (width * height)));
    const [first = 0] = wanted;
    const end = (wanted.at(-1) ?? 0) + 1;
    for (let page = first; page < end; page += atOnce) {
      const count = Math.min(atOnce, end - page);
      const { data } = await sharp(bytes, { page, pages: count, limitInputPixels: false, ignoreIcc: true })
        .flatten({ background: "#fff" })
        .toColourspace("srgb")
        .ensureAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const size = 4 * width * height;
      if (data.length !== count * size)
        throw new InputError({ what: `cannot read "${path}"`, why: "its frames have not one size" });
      for (let i = 0; i < count; i++) {
        if ((page + i - first) % every !== 0) continue;
        const pixels = Uint8ClampedArray.from(data.subarray(i * size, (i + 1) * size));
        yield {
          time: times[page + i] ?? 0,
          duration: delays[page + i] ?? 0,
          picture: { data: pixels, width, height },
        };
      }
    }
  }
}
