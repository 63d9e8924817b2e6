/** Plans how a picture is resized and cropped. The caller resamples it, with sharp, a canvas or {@link resample}. */

import { InputError, OptionError } from "../errors.ts";
import type { InputCard, Resize } from "../cards/model-card.ts";

/** Resize to `width`×`height` (with the card's `interpolation`, antialiased), then keep the `crop`. All in pixels. */
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
}

/**
 * Plans how a picture of `width`×`height` pixels becomes the size of the input, with torchvision's rounding: the long
 * side is `⌊shortSide·long/short⌋` (or the nearest integer, if the card says so), and the crop starts at
 * `round((side − size)/2)`, halves rounded to even.
 * @throws InputError if the card says `none` and the picture has another size
 * @throws OptionError if the crop of the card is larger than its resized pictures
 */
export function resizePlan(
  width: number,
  height: number,
  card: Pick<InputCard, "size" | "resize">,
): ResizePlan {
  const [rows, columns] = card.size;
  if (card.resize === "exact") return uncropped(columns, rows);
  if (card.resize === "none") {
    if (width === columns && height === rows) return uncropped(columns, rows);
    throw new InputError({
      what: "cannot use the picture",
      why: `it is ${width}×${height} pixels, the model takes ${columns}×${rows}, and its card says not to resize`,
      fix: 'give pictures of that size, or set "resize" in the card',
    });
  }
  const resized = resizedTo(width, height, card.resize);
  if (resized.height < rows || resized.width < columns) {
    const [what, fix] =
      "stretch" in card.resize
        ? [`${resized.width}×${resized.height} pixels hold`, "stretch to the size at least"]
        : [
            `a short side of ${card.resize.shortSide} pixels holds`,
            "make the short side at least as long as the size",
          ];
    throw new OptionError({
      what: "cannot crop the picture",
      why: `${what} no crop of ${columns}×${rows}`,
      fix,
    });
  }
  const left = halfToEven((resized.width - columns) / 2);
  const top = halfToEven((resized.height - rows) / 2);
  return { ...resized, crop: { left, top, width: columns, height: rows } };
}

function resizedTo(
  width: number,
  height: number,
  resize: Extract<Resize, object>,
): { readonly width: number; readonly height: number } {
  if ("stretch" in resize) return { width: resize.stretch[1], height: resize.stretch[0] };
  const { shortSide, round = "down" } = resize;
  // Multiplies before it divides, as Python does: 256 * 451 / 300, not 256 / 300 * 451.
  const whole = round === "down" ? Math.trunc : Math.round;
  const long = (side: number, short: number): number => whole((shortSide * side) / short);
  return width >= height
    ? { width: long(width, height), height: shortSide }
    : { width: shortSide, height: long(height, width) };
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
