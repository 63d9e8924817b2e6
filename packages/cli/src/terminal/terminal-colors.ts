/** Background colours on a terminal, as far as it supports them. */

import { WriteStream } from "node:tty";
import picocolors from "picocolors";

/** Red, green, blue, 0..255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Bits per colour: 1 has none, 4 the sixteen named colours, 8 a cube of 6³, 24 all. */
export type ColorDepth = 1 | 4 | 8 | 24;

/** The colours that stdout supports. Node respects `NO_COLOR`, `FORCE_COLOR` and `TERM`. */
export function stdoutDepth(): ColorDepth {
  const isForced = (process.env["FORCE_COLOR"] ?? "0") !== "0" && process.env["NO_COLOR"] === undefined;
  if (!isForced && (process.stdout.isTTY !== true || !picocolors.isColorSupported)) return 1;
  const depth = WriteStream.prototype.getColorDepth.call(process.stdout, process.env);
  return depth >= 24 ? 24 : depth >= 8 ? 8 : depth >= 4 ? 4 : 1;
}

const named = picocolors.createColors(true);

/** Black or white, whichever is easier to read on a colour: by its relative luminance (WCAG 2). */
export function inkOn(color: Rgb): Rgb {
  const [red, green, blue] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? [0, 0, 0] : [255, 255, 255];
}

const step = (value: number): number => Math.round((5 * value) / 255);

/** The nearest of the cube's 216 colours. */
const cubeOf = ([red, green, blue]: Rgb): number => 16 + 36 * step(red) + 6 * step(green) + step(blue);

/**
 * Text on a background.
 * @param strength the colour's meaning, from −1 to 1: with only sixteen colours it selects strong or
 *   weak red or blue
 */
export function onColor(text: string, color: Rgb, strength: number, depth: ColorDepth): string {
  const ink = inkOn(color);
  // picocolors has only sixteen colours; the sequences for the others are those of ISO 8613-6.
  if (depth === 24) return `\x1b[48;2;${color.join(";")};38;2;${ink.join(";")}m${text}\x1b[0m`;
  if (depth === 8) return `\x1b[48;5;${cubeOf(color)};38;5;${cubeOf(ink)}m${text}\x1b[0m`;
  const size = Math.abs(strength);
  if (depth === 1 || size < 0.1) return text;
  const isStrong = size >= 0.5;
  const paint =
    strength > 0
      ? isStrong
        ? named.bgRed
        : named.bgRedBright
      : isStrong
        ? named.bgBlue
        : named.bgBlueBright;
  return paint(named.black(text));
}
