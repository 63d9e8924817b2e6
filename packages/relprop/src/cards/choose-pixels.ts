/** The numbers that pixels become: what the user says of scale, mean and deviation, and what follows from it. */

import { OptionError } from "../errors.ts";
import { channelCount, type ChannelOrder } from "./model-card.ts";
import type { PixelNumbers } from "./pixel-bounds.ts";

/** What the user says of them. */
export interface PixelOptions {
  /** First factor of pixels 0..255. */
  readonly scale?: number;
  /** Subtracted after scaling: one number per channel, or one for all. */
  readonly mean?: readonly number[];
  /** Divisor after subtracting: one number per channel, or one for all. */
  readonly std?: readonly number[];
}

/** The numbers, and in words what nobody said. */
export interface ChosenPixels extends PixelNumbers {
  readonly guesses: readonly string[];
}

/** Means and deviations of pixels 0..1 are below 1, and of -1..1 at most 1; those of pixels 0..255 are far above. */
const mostOfUnit = 2;

type Range = "0..255" | "0..1";
const scales: Readonly<Record<Range, number>> = { "0..255": 1, "0..1": 1 / 255 };

/** The range of the pixels that these are the means, or the deviations, of; undefined for what is neutral: 0, or 1. */
function rangeOf(numbers: readonly number[] | undefined, neutral: number): Range | undefined {
  if (!numbers || numbers.every((each) => each === neutral)) return undefined;
  return numbers.some((each) => Math.abs(each) > mostOfUnit) ? "0..255" : "0..1";
}

const rangeAt = (scale: number): Range => (255 * scale > mostOfUnit ? "0..255" : "0..1");

/**
 * Scale, mean and deviation as the user's options change `usual`. Without a scale it follows from the size of mean and
 * deviation: above 2 they are of pixels 0..255, else of 0..1. If that is another range than the usual one, then a usual mean
 * or deviation does not hold any more: 0 and 1 take its place.
 * @param usual of the card, or guessed
 * @throws OptionError if there is not one number for each channel, a deviation is not above 0, or mean and deviation are of
 *   different ranges
 */
export function choosePixels(
  channels: ChannelOrder,
  usual: PixelNumbers,
  options: PixelOptions,
): ChosenPixels {
  const mean = spread("mean", options.mean, channels);
  const std = spread("std", options.std, channels);
  if (std?.some((each) => !(each > 0))) throw notPositive(std);
  const [ofMean, ofStd] = [rangeOf(mean, 0), rangeOf(std, 1)];
  const { scale } = options;
  if (scale === undefined && mean && std && ofMean && ofStd && ofMean !== ofStd)
    throw contradiction(mean, ofMean, std, ofStd);
  const range = scale === undefined ? (ofMean ?? ofStd) : rangeAt(scale);
  if (range === undefined || range === rangeAt(usual.scale)) {
    const known = (name: "mean" | "std"): readonly number[] => spread(name, usual[name], channels) ?? [];
    return {
      scale: scale ?? usual.scale,
      mean: mean ?? known("mean"),
      std: std ?? known("std"),
      guesses: [],
    };
  }
  const [name, numbers] = ofMean ? ["mean", mean] : ["std", std];
  const same = (count: number): readonly number[] =>
    Array.from({ length: channelCount(channels) }, () => count);
  return {
    scale: scale ?? scales[range],
    mean: mean ?? same(0),
    std: std ?? same(1),
    guesses: [
      ...(scale === undefined
        ? [
            `scale ${range === "0..1" ? "1/255" : "1"} (--${name} ${numbers?.join(",")} is of pixels ${range})`,
          ]
        : []),
      ...(mean ? [] : ["mean 0 (none is known for that scale)"]),
      ...(std ? [] : ["std 1 (none is known for that scale)"]),
    ],
  };
}

/** One number for all channels as one for each. */
function spread(
  name: "mean" | "std",
  numbers: readonly number[] | undefined,
  channels: ChannelOrder,
): readonly number[] | undefined {
  const count = channelCount(channels);
  if (!numbers || numbers.length === count) return numbers;
  const [only] = numbers;
  if (numbers.length === 1 && only !== undefined) return Array.from({ length: count }, () => only);
  throw new OptionError({
    what: `--${name} cannot be ${numbers.join(",")}`,
    why: `${channels} has ${count === 1 ? "one channel" : `${count} channels`}`,
    fix: count === 1 ? "give one number" : `give ${count} numbers, or one for all`,
  });
}

const notPositive = (std: readonly number[]): OptionError =>
  new OptionError({
    what: `--std cannot be ${std.join(",")}`,
    why: "what is left after subtracting is divided by it, so it must be above 0",
    fix: "give 1 to divide by nothing",
  });

function contradiction(
  mean: readonly number[],
  ofMean: Range,
  std: readonly number[],
  ofStd: Range,
): OptionError {
  const other = ofMean === "0..255" ? 255 : 1 / 255;
  const fitting = std.map((each) => Number((each * other).toPrecision(6)));
  return new OptionError({
    what: `--mean ${mean.join(",")} and --std ${std.join(",")} do not go together`,
    why: `the mean is of pixels ${ofMean}, the deviation of pixels ${ofStd}`,
    fix: `give both in one range, as --std ${fitting.join(",")}, or add --scale if they are meant so`,
  });
}
