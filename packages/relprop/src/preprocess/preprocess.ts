/** Turns pixels into the input tensor of a network. */

import { InputError } from "../errors.ts";
import { channelCount, type InputCard } from "../cards/model-card.ts";

/** Pixels of a picture, row by row, 3 bytes (RGB) or 4 (RGBA, alpha ignored) each. */
export interface Picture {
  /** From 0 to 255, width·height·3 or width·height·4 numbers. */
  readonly data: ArrayLike<number>;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Shape of the input tensor for `batch` pictures: [N, C, H, W] or [N, H, W, C], as the card says. */
export function inputDims(card: InputCard, batch: number): number[] {
  const [height, width] = card.size;
  const channels = channelCount(card.channels);
  return card.layout === "NCHW" ? [batch, channels, height, width] : [batch, height, width, channels];
}

/**
 * Makes the input tensor of pictures: `(pixel · scale − mean[c]) / std[c]`, channels in the order of the card.
 * @param pictures of the card's size, so already resized and cropped, see {@link resizePlan}
 * @returns the tensor and its shape, see {@link inputDims}
 * @throws InputError if a picture has another size
 *
 * @example
 *     const plan = resizePlan(photo.width, photo.height, card.input);
 *     const input = preprocess([resample(photo, plan, card.input.interpolation)], card.input);
 *     const { relevance } = await explainer.explain(input, { target: 285 });
 */
export function preprocess(
  pictures: readonly Picture[],
  card: InputCard,
): { data: Float32Array; dims: number[] } {
  const dims = inputDims(card, pictures.length);
  const [height, width] = card.size;
  const count = channelCount(card.channels);
  const size = count * height * width;
  const data = new Float32Array(pictures.length * size);
  for (const [n, picture] of pictures.entries()) {
    const bytes = bytesPerPixel(picture, height, width);
    for (let c = 0; c < count; c++) {
      const read = channelReaders[card.channels](c);
      const mean = card.mean[c] ?? 0;
      const std = card.std[c] ?? 1;
      const [first, step] = card.layout === "NCHW" ? [c * height * width, 1] : [c, count];
      for (let i = 0; i < height * width; i++) {
        data[n * size + first + i * step] = (read(picture.data, i * bytes) * card.scale - mean) / std;
      }
    }
  }
  return { data, dims };
}

/** Reads one channel of the tensor from the pixel at an offset. */
type ReadChannel = (pixels: ArrayLike<number>, at: number) => number;

const channelReaders: Readonly<Record<InputCard["channels"], (c: number) => ReadChannel>> = {
  RGB: (c) => (pixels, at) => pixels[at + c] ?? 0,
  BGR: (c) => (pixels, at) => pixels[at + 2 - c] ?? 0,
  gray: () => (pixels, at) =>
    0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0),
};

function bytesPerPixel(picture: Picture, height: number, width: number): 3 | 4 {
  const bytes = picture.data.length / (height * width);
  if (picture.width === width && picture.height === height && (bytes === 3 || bytes === 4)) return bytes;
  throw new InputError({
    what: "cannot make the input of the network",
    why: `the picture is ${picture.width}×${picture.height} pixels in ${picture.data.length} bytes, not ${width}×${height} in RGB or RGBA`,
    fix: "resize and crop it as resizePlan says",
  });
}
