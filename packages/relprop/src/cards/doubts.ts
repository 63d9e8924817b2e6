/** What cannot be right about a network's input: rules that no photo breaks which was preprocessed as in training. */

import type { SeenByNorm } from "./first-norm.ts";
import { pixelBounds, type PixelNumbers } from "./pixel-bounds.ts";

/** Inputs farther from the mean than this are not normalised by the numbers of their own range. */
const mostDeviations = 20;
/** Photos lie within 1.2 of the running deviations; those of another range at more than 20. */
const mostDistance = 6;
/** Photos have 0.17 of the running variance or more; those of another range at most 0.0004. */
const leastContrast = 0.002;

const digits = (number: number): string => String(Number(number.toPrecision(3)));

/** What cannot be right about scale, mean and deviation, in words; empty for any that networks are trained with. */
export function doubtsOfPixels(numbers: PixelNumbers): string[] {
  const { scale, mean, std } = numbers;
  const brightest = 255 * scale;
  const outside = mean.find((each) => each < -0.01 * brightest || each > 1.01 * brightest);
  if (outside !== undefined) {
    return [
      `the mean ${digits(outside)} lies outside of the pixels, which are 0 to ${digits(brightest)} after scaling`,
    ];
  }
  const { low, high } = pixelBounds(numbers);
  const farthest = Math.max(...[low, high].flat().map(Math.abs));
  // A deviation of 1 divides nothing: then the input is of any range.
  if (std.every((each) => each === 1) || farthest <= mostDeviations) return [];
  return [
    `inputs reach ${digits(farthest)} deviations: the deviation ${std.map(digits).join(",")} is of another range than the pixels`,
  ];
}

/** Why a picture says nothing, in words: all its pixels are equal. @param data numbers of one picture, [C, H, W] or [H, W, C] */
export function doubtOfPicture(
  data: ArrayLike<number>,
  channels: number,
  isChannelsLast: boolean,
): string | undefined {
  const places = data.length / channels;
  for (let i = 0; i < data.length; i++) {
    const first = isChannelsLast ? i % channels : Math.floor(i / places) * places;
    if (data[i] !== data[first]) return undefined;
  }
  return "all pixels of the picture are equal, as the network sees it";
}

/** What the first batch-norm says against an input, in words. */
export function doubtOfNorm({ distance, contrast }: SeenByNorm): string | undefined {
  if (distance > mostDistance) {
    return `the first batch-norm is given numbers at ${digits(distance)} of the deviations that it has seen in training: the input's range is too large`;
  }
  if (contrast >= leastContrast) return undefined;
  return `the first batch-norm is given ${digits(contrast)} of the variance that it has seen in training: the input's range is too small`;
}
