/** Where the pixels of pictures lie in a tensor, channels first or last. */

import { InputError } from "../errors.ts";
import type { FloatArray } from "../run/float-array.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { channelAxis } from "../relevance/seed.ts";

/** A batch of pictures in memory. */
export interface PictureLayout {
  readonly samples: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Distance in elements between neighbours along each axis. */
  readonly step: { readonly channel: number; readonly y: number; readonly x: number };
}

/** @throws InputError if the tensor is not [N, C, H, W] or [N, H, W, C] */
export function pictureLayout({ data, dims }: FloatArray): PictureLayout {
  if (dims.length !== 4 || sizeOf(dims) !== data.length) {
    throw new InputError({
      what: "cannot cover patches of this input",
      why: `it has the shape [${dims.join(", ")}] and ${data.length} numbers, not [N, C, H, W]`,
    });
  }
  const [samples = 0, second = 0, third = 0, fourth = 0] = dims;
  if (channelAxis({ shape: dims }) === 1) {
    const step = { channel: third * fourth, y: fourth, x: 1 };
    return { samples, channels: second, height: third, width: fourth, step };
  }
  const step = { channel: 1, y: third * fourth, x: fourth };
  return { samples, channels: fourth, height: second, width: third, step };
}
