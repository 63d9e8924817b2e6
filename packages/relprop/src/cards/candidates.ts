/** Ways in which a network may have been fed, and which of them fits it best. */

import { doubtOfNorm } from "./doubts.ts";
import type { SeenByNorm } from "./first-norm.ts";
import { imageNetPixels, type ChannelOrder, type InputCard, type Resize } from "./model-card.ts";

/** One way to feed a network. */
export interface Candidate {
  /** In words: `RGB, ImageNet's mean and deviation`. */
  readonly name: string;
  /** The preprocessing. */
  readonly input: InputCard;
}

type Pixels = Pick<InputCard, "channels" | "scale" | "mean" | "std">;

/** The same numbers for all channels. */
const plain = (channels: ChannelOrder, scale: number, mean: number, std: number): Pixels => {
  const each = (number: number): number[] => (channels === "gray" ? [number] : [number, number, number]);
  return { channels, scale, mean: each(mean), std: each(std) };
};

const unit = 1 / 255;
/** The means of the ImageNet pictures that the first networks were trained with, in Caffe: red, green, blue. */
const caffeMeans = [123.68, 116.779, 103.939];

/** How networks take pixels, the most usual first. */
const ofColours: readonly (readonly [name: string, pixels: Pixels])[] = [
  ["RGB, ImageNet's mean and deviation", imageNetPixels],
  ["RGB, 0 to 1", plain("RGB", unit, 0, 1)],
  ["RGB, -1 to 1", plain("RGB", unit, 0.5, 0.5)],
  ["RGB, 0 to 255", plain("RGB", 1, 0, 1)],
  ["BGR minus ImageNet's means", { ...plain("BGR", 1, 0, 1), mean: caffeMeans.toReversed() }],
  ["RGB minus ImageNet's means", { ...plain("RGB", 1, 0, 1), mean: caffeMeans }],
  ["BGR, 0 to 1", plain("BGR", unit, 0, 1)],
  ["BGR, 0 to 255", plain("BGR", 1, 0, 1)],
];

const ofGray: readonly (readonly [name: string, pixels: Pixels])[] = [
  ["gray, 0 to 1", plain("gray", unit, 0, 1)],
  ["gray, -1 to 1", plain("gray", unit, 0.5, 0.5)],
  ["gray, MNIST's mean and deviation", plain("gray", unit, 0.1307, 0.3081)],
  ["gray, 0 to 255", plain("gray", 1, 0, 1)],
];

/** The numbers that networks of these colours are usually fed, by name. */
export const usualPixels = (channels: ChannelOrder): typeof ofColours =>
  channels === "gray" ? ofGray : ofColours.filter(([, pixels]) => pixels.channels === channels);

const key = ({ channels, scale, mean, std }: Pixels): string => JSON.stringify([channels, scale, mean, std]);

/** The usual ways to make numbers of pixels, brought to the size as `usual` says; `usual` comes first if it is none of them. */
export function pixelCandidates(usual: InputCard): Candidate[] {
  const list = usual.channels === "gray" ? ofGray : ofColours;
  const all = list.map(([name, pixels]): Candidate => ({ name, input: { ...usual, ...pixels } }));
  return all.some(({ input }) => key(input) === key(usual))
    ? all
    : [{ name: "as known", input: usual }, ...all];
}

/** Other ways to bring pictures to the size, with the numbers of a candidate. */
export function geometryCandidates({ name, input }: Candidate): Candidate[] {
  const [height, width] = input.size;
  const crop: Resize = { shortSide: Math.round((height * 8) / 7), keepSize: true };
  const ways: readonly (readonly [name: string, resize: Resize])[] = [
    ...(height === width ? [["cropped", crop] as const] : []),
    ["covered", { cover: 1 }],
    ["stretched", "exact"],
    ["letterbox", { letterbox: [114, 114, 114] }],
  ];
  const own = JSON.stringify(input.resize);
  return ways
    .filter(([, resize]) => JSON.stringify(resize) !== own)
    .map(([way, resize]) => ({ name: `${name}, ${way}`, input: { ...input, resize } }));
}

/** What a network made of a candidate. */
export interface Tried extends Candidate {
  /** Of the first batch-norm, if there is one. */
  readonly seen?: SeenByNorm;
  /** Probability of the best class, if the output has any. */
  readonly confidence?: number;
  /** How far the best logit lies above the mean of all, if the output has logits. */
  readonly margin?: number;
  /** Whether all pixels are equal. */
  readonly isConstant: boolean;
}

/** Softmax of such margins is 1 to all digits: training stops long before. */
const mostMargin = 60;
/** Confidences above this say the same. */
const sure = 0.99;

/** Why a candidate cannot be right, in words. */
export function objection({ seen, margin, isConstant }: Tried): string | undefined {
  if (isConstant) return "all pixels are equal";
  const doubt = seen && doubtOfNorm(seen);
  if (doubt !== undefined) return doubt;
  return margin !== undefined && margin > mostMargin
    ? `the best logit lies ${Math.round(margin)} above the mean, farther than training leaves it`
    : undefined;
}

/**
 * The best first: those against which nothing speaks (range of the first batch-norm, size of the logits, a picture that is
 * not constant); among them by the best class's probability, where all above 0.99 count the same; among these the more
 * usual one, which is the order given.
 */
export function rankCandidates<Each extends Tried>(tried: readonly Each[]): Each[] {
  const confidence = (each: Each): number => Math.min(sure, each.confidence ?? 0);
  const isRefused = (each: Each): number => (objection(each) === undefined ? 0 : 1);
  return tried.toSorted((a, b) => isRefused(a) - isRefused(b) || confidence(b) - confidence(a));
}
