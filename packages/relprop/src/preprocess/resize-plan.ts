/** Plans how a picture is resized, cropped and padded. The caller resamples it, with sharp, a canvas or {@link resample}. */

import { InputError, OptionError } from "../errors.ts";
import type { Colour, InputCard, Resize } from "../cards/model-card.ts";

/**
 * Resize to `width`×`height` (with the card's `interpolation`, antialiased), then keep the `crop`. All in pixels. Where
 * pictures are padded the crop reaches beyond the resized picture, and `pad` is what is there.
 */
export interface ResizePlan {
  /** Of the whole resized picture, before the crop. */
  readonly width: number;
  /** As `width`. */
  readonly height: number;
  /** The part of the resized picture that becomes the input; all of it if nothing is cropped. */
  readonly crop: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  /** The colour of what the crop has beyond the resized picture. */
  readonly pad?: Colour;
}

type Sides = Pick<ResizePlan, "width" | "height">;

/**
 * Plans how a picture of `width`×`height` pixels becomes the size of the input.
 * - `shortSide`, and `cover` to a square: torchvision's `Resize`: the long side is `⌊shortSide·long/short⌋` (or the nearest
 *   integer, if the card says so); `cover` of anything else: timm's `ResizeKeepRatio`, sides `round(side/ratio)`;
 * - `letterbox`, `contain`: ultralytics' `LetterBox`: sides `round(side·min(rows/height, columns/width))`, halves to even, at
 *   least 1; the smaller half of the padding lies before the picture.
 *
 * The crop starts at `round((side − size)/2)`, halves rounded to even, as torchvision's `CenterCrop`.
 * @throws InputError if the card says `none` and the picture has another size
 * @throws OptionError if the crop of the card is larger than its resized pictures
 */
export function resizePlan(
  width: number,
  height: number,
  card: Pick<InputCard, "size" | "resize">,
): ResizePlan {
  const { size, resize } = card;
  const [rows, columns] = size;
  const isSame = width === columns && height === rows;
  if (resize === "exact") return uncropped(columns, rows);
  if (resize === "none") {
    if (isSame) return uncropped(columns, rows);
    throw new InputError({
      what: "cannot use the picture",
      why: `it is ${width}×${height} pixels, the model takes ${columns}×${rows}, and it is not to be resized`,
      fix: 'give pictures of that size, or say how to resize: "resize" in the card',
    });
  }
  if ("letterbox" in resize) return padded({ width, height }, size, resize.letterbox, 1 / 2);
  if ("contain" in resize) return padded({ width, height }, size, resize.contain, 0);
  if ("shortSide" in resize && resize.keepSize === true && isSame) return uncropped(columns, rows);
  const resized = resizedTo({ width, height }, size, resize);
  if (resized.height < rows || resized.width < columns) throw tooSmall(resized, size, resize);
  const left = halfToEven((resized.width - columns) / 2);
  const top = halfToEven((resized.height - rows) / 2);
  return { ...resized, crop: { left, top, width: columns, height: rows } };
}

/** Forms of {@link Resize} that crop. */
type Cropping = Exclude<Resize, string | { readonly letterbox: Colour } | { readonly contain: Colour }>;

function resizedTo(from: Sides, [rows, columns]: InputCard["size"], resize: Cropping): Sides {
  if ("stretch" in resize) return { width: resize.stretch[1], height: resize.stretch[0] };
  if ("shortSide" in resize) return shortSideTo(from, resize);
  const [tall, wide] = [Math.floor(rows / resize.cover), Math.floor(columns / resize.cover)];
  if (tall === wide) return shortSideTo(from, { shortSide: tall });
  const ratio = Math.min(from.height / tall, from.width / wide);
  return {
    width: Math.max(columns, halfToEven(from.width / ratio)),
    height: Math.max(rows, halfToEven(from.height / ratio)),
  };
}

function shortSideTo(
  { width, height }: Sides,
  { shortSide, round = "down" }: { readonly shortSide: number; readonly round?: "down" | "nearest" },
): Sides {
  // Multiplies before it divides, as Python does: 256 * 451 / 300, not 256 / 300 * 451.
  const whole = round === "down" ? Math.trunc : Math.round;
  const long = (side: number, short: number): number => whole((shortSide * side) / short);
  return width >= height
    ? { width: long(width, height), height: shortSide }
    : { width: shortSide, height: long(height, width) };
}

/** @param before the part of the padding that lies at the left and the top */
function padded(
  { width, height }: Sides,
  [rows, columns]: InputCard["size"],
  pad: Colour,
  before: number,
): ResizePlan {
  const ratio = Math.min(rows / height, columns / width);
  const resized = {
    width: Math.max(1, halfToEven(width * ratio)),
    height: Math.max(1, halfToEven(height * ratio)),
  };
  const start = (side: number, length: number): number => 0 - Math.floor((side - length) * before);
  const [left, top] = [start(columns, resized.width), start(rows, resized.height)];
  return { ...resized, crop: { left, top, width: columns, height: rows }, pad };
}

function tooSmall(
  { width, height }: Sides,
  [rows, columns]: InputCard["size"],
  resize: Cropping,
): OptionError {
  const [what, fix] =
    "shortSide" in resize
      ? [
          `a short side of ${resize.shortSide} pixels holds`,
          "make the short side at least as long as the size",
        ]
      : [`${width}×${height} pixels hold`, "stretch to the size at least"];
  return new OptionError({
    what: "cannot crop the picture",
    why: `${what} no crop of ${columns}×${rows}`,
    fix,
  });
}

const uncropped = (width: number, height: number): ResizePlan => ({
  width,
  height,
  crop: { left: 0, top: 0, width, height },
});

function halfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
