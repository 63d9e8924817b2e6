/** Where the network's input lies in a picture: the way back from the input's pixels to the picture's own. */

import { InputError } from "../errors.ts";
import type { ResizePlan } from "./resize-plan.ts";

/** Edges; fractions allowed. */
export interface Edges {
  /** The left edge. */
  readonly left: number;
  /** The top edge. */
  readonly top: number;
  /** The right edge. */
  readonly right: number;
  /** The bottom edge. */
  readonly bottom: number;
}

/** A picture, the network's input, and where in the picture the input lies. */
export interface PictureFrame {
  /** The picture's own size, in pixels. */
  readonly picture: { readonly width: number; readonly height: number };
  /** The input's size, in pixels. */
  readonly input: { readonly width: number; readonly height: number };
  /**
   * The input's edges in the picture's own pixels. What of the picture lies outside of them the network does not see; what of
   * them lies outside of the picture is padding.
   */
  readonly frame: Edges;
}

/** The frame of a picture of `width`×`height` pixels that is resized as the plan says. */
export function pictureFrame(width: number, height: number, plan: ResizePlan): PictureFrame {
  const { crop } = plan;
  const [across, down] = [width / plan.width, height / plan.height];
  return {
    picture: { width, height },
    input: { width: crop.width, height: crop.height },
    frame: {
      left: crop.left * across,
      top: crop.top * down,
      right: (crop.left + crop.width) * across,
      bottom: (crop.top + crop.height) * down,
    },
  };
}

/** The part of the picture that the network sees, in the picture's own pixels. */
export function seenPart({ picture, frame }: PictureFrame): Edges {
  return {
    left: Math.max(0, frame.left),
    top: Math.max(0, frame.top),
    right: Math.min(picture.width, frame.right),
    bottom: Math.min(picture.height, frame.bottom),
  };
}

/** The pixels of the input that show the picture, in whole pixels; the others are padding. */
export function shownPart({ picture, input, frame }: PictureFrame): Edges {
  const across = input.width / (frame.right - frame.left);
  const down = input.height / (frame.bottom - frame.top);
  return {
    left: Math.max(0, Math.round(-frame.left * across)),
    top: Math.max(0, Math.round(-frame.top * down)),
    right: Math.min(input.width, Math.round((picture.width - frame.left) * across)),
    bottom: Math.min(input.height, Math.round((picture.height - frame.top) * down)),
  };
}

/** A box of the input, in the picture's own pixels; what of it lies outside of the picture is cut off. */
export function boxInPicture({ picture, input, frame }: PictureFrame, box: Edges): Edges {
  const x = (at: number): number =>
    within(picture.width, frame.left + (at * (frame.right - frame.left)) / input.width);
  const y = (at: number): number =>
    within(picture.height, frame.top + (at * (frame.bottom - frame.top)) / input.height);
  return { left: x(box.left), top: y(box.top), right: x(box.right), bottom: y(box.bottom) };
}

const within = (most: number, at: number): number => Math.min(most, Math.max(0, at));

const along = (at: number, from: number, to: number, length: number): number =>
  Math.min(length - 1, Math.floor(((at - from) * length) / (to - from)));

/**
 * The input's pixel that the centre of a picture's pixel lies in.
 * @throws InputError if the picture has no such pixel, or the network does not see it
 */
export function pixelInInput(
  whole: PictureFrame,
  pixel: { readonly x: number; readonly y: number },
): { readonly x: number; readonly y: number } {
  const { picture, input, frame } = whole;
  const [x, y] = [pixel.x + 0.5, pixel.y + 0.5];
  if (x > picture.width || y > picture.height) {
    throw new InputError({
      what: `there is no pixel ${pixel.x},${pixel.y}`,
      why: `the picture has ${picture.width}×${picture.height}`,
    });
  }
  const seen = seenPart(whole);
  if (x < seen.left || x >= seen.right || y < seen.top || y >= seen.bottom) {
    const [left, top, right, bottom] = [seen.left, seen.top, seen.right, seen.bottom].map(Math.round);
    throw new InputError({
      what: `cannot explain the pixel ${pixel.x},${pixel.y}`,
      why: `the network does not see it: the picture is cropped to ${left},${top} … ${right},${bottom}`,
      fix: "choose one in the crop, or say --resize stretch or letterbox, if the network was trained so",
    });
  }
  return {
    x: along(x, frame.left, frame.right, input.width),
    y: along(y, frame.top, frame.bottom, input.height),
  };
}
