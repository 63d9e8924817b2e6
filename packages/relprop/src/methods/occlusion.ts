/** Occlusion measures how far the output drops when a patch is covered. It needs no gradient, so it can check other methods. */

import { InputError, OptionError } from "../errors.ts";
import type { FloatArray } from "../run/float-array.ts";
import { refuseUnknown, type OptionNames } from "../option-names.ts";
import { targetNumbers, type Target } from "../run/targets.ts";
import { countOption } from "./options.ts";
import { pictureLayout, type PictureLayout } from "./picture-layout.ts";

/** What is covered, and what is watched while it is. */
export interface OcclusionOptions {
  /** Runs the model and returns the explained output of a batch, samples first. */
  readonly run: (batch: FloatArray) => Promise<FloatArray>;
  /** Images [N, C, H, W] or [N, H, W, C], as the model takes them. */
  readonly input: FloatArray;
  /** The part of the output that is measured, as in {@link Explainer.explain}. */
  readonly target: Target;
  /** Height and width of the patch, in pixels. */
  readonly patch: number | readonly [height: number, width: number];
  /** Step of the patch in pixels, at most its size, so every pixel is covered. @default half the patch */
  readonly stride?: number | readonly [down: number, right: number];
  /** Value of covered pixels in the model's units: a number, or one for each channel. @default 0 */
  readonly value?: number | readonly number[];
  /** Number of covered copies in one run; 1 for a model with a fixed batch of 1. @default 32 */
  readonly batch?: number;
}

const optionNames: OptionNames<OcclusionOptions> = {
  run: true,
  input: true,
  target: true,
  patch: true,
  stride: true,
  value: true,
  batch: true,
};

interface Place {
  readonly sample: number;
  readonly top: number;
  readonly left: number;
}

/**
 * Computes for each pixel the drop of target · output, averaged over the patches that cover it. It is positive where the
 * pixel speaks for the target. Zeiler & Fergus 2014.
 *
 * ```ts
 * const run = async ({ data, dims }) => (await session.run({ input: new ort.Tensor("float32", data, dims) })).output;
 * const map = await occlusion({ run, input, target: 285, patch: 32, stride: 16 });
 * ```
 *
 * @returns [N, H, W], in the unit of the output
 * @throws OptionError if patch or stride do not fit the images
 * @throws InputError if the input is not a batch of images, or the output not one row for each
 */
export async function occlusion(options: OcclusionOptions): Promise<FloatArray> {
  refuseUnknown("occlusion", options, optionNames);
  const { run, input, target } = options;
  const image = pictureLayout(input);
  const { samples, height, width } = image;
  const patch = pair("patch", options.patch);
  const stride = pair("stride", options.stride ?? [Math.ceil(patch[0] / 2), Math.ceil(patch[1] / 2)]);
  const batch = countOption("batch", options.batch ?? 32);
  const fillings = fillingsOf(options.value ?? 0, image.channels);

  const tops = starts("height", height, patch[0], stride[0]);
  const lefts = starts("width", width, patch[1], stride[1]);
  const places: Place[] = [];
  for (let sample = 0; sample < samples; sample++) {
    for (const top of tops) for (const left of lefts) places.push({ sample, top, left });
  }

  const whole = await uncovered(run, input, batch);
  const weights = targetNumbers(target, whole.dims);
  const perSample = weights.length / samples;
  const score = (output: Float32Array, row: number, sample: number): number => {
    let sum = 0;
    for (let i = 0; i < perSample; i++)
      sum += (output[row * perSample + i] ?? 0) * (weights[sample * perSample + i] ?? 0);
    return sum;
  };
  const scores = Array.from({ length: samples }, (_, sample) => score(whole.data, sample, sample));

  const drop = new Float64Array(samples * height * width);
  const visits = new Float64Array(drop.length);
  for (let first = 0; first < places.length; first += batch) {
    const some = places.slice(first, first + batch);
    const copies = some.map((place) => covered(input, image, place, patch, fillings));
    const output = await run(stack(copies, input.dims));
    checkOutput(output, some.length, perSample);
    for (const [row, { sample, top, left }] of some.entries()) {
      const lost = (scores[sample] ?? 0) - score(output.data, row, sample);
      for (let y = top; y < top + patch[0]; y++) {
        for (let x = left; x < left + patch[1]; x++) {
          const at = (sample * height + y) * width + x;
          drop[at] = (drop[at] ?? 0) + lost;
          visits[at] = (visits[at] ?? 0) + 1;
        }
      }
    }
  }
  const data = Float32Array.from(drop, (sum, i) => sum / (visits[i] ?? 1));
  return { data, dims: [samples, height, width] };
}

function pair(name: string, value: number | readonly [number, number]): readonly [number, number] {
  const [a, b] = typeof value === "number" ? [value, value] : value;
  return [countOption(name, a), countOption(name, b)];
}

function fillingsOf(value: number | readonly number[], channels: number): readonly number[] {
  if (typeof value === "number") return Array.from({ length: channels }, () => value);
  if (value.length === channels) return value;
  throw new OptionError({
    what: "cannot fill the patch",
    why: `value has ${value.length} numbers for ${channels} channels`,
  });
}

/** Positions of the patch along an axis: each stride, and the last one that fits. */
function starts(axis: string, length: number, patch: number, stride: number): number[] {
  if (patch > length || stride > patch) {
    throw new OptionError({
      what: `cannot cover the ${axis} of ${length} by patches of ${patch}, ${stride} apart`,
      why:
        patch > length ? "the patch is larger than the image" : "pixels between the patches stay uncovered",
      fix: "choose stride ≤ patch ≤ image",
    });
  }
  const last = length - patch;
  return [...Array.from({ length: Math.ceil(last / stride) }, (_, i) => i * stride), last];
}

/** One sample with a patch covered. */
function covered(
  { data }: FloatArray,
  { samples, step }: PictureLayout,
  { sample, top, left }: Place,
  [patchHeight, patchWidth]: readonly [number, number],
  fillings: readonly number[],
): Float32Array {
  const size = data.length / samples;
  const copy = data.slice(sample * size, (sample + 1) * size);
  for (const [channel, filling] of fillings.entries()) {
    for (let y = top; y < top + patchHeight; y++) {
      for (let x = left; x < left + patchWidth; x++)
        copy[channel * step.channel + y * step.y + x * step.x] = filling;
    }
  }
  return copy;
}

function stack(copies: readonly Float32Array[], dims: readonly number[]): FloatArray {
  const size = copies[0]?.length ?? 0;
  const data = new Float32Array(copies.length * size);
  for (const [i, copy] of copies.entries()) data.set(copy, i * size);
  return { data, dims: [copies.length, ...dims.slice(1)] };
}

/** The outputs of the uncovered images. */
async function uncovered(
  run: OcclusionOptions["run"],
  { data, dims }: FloatArray,
  batch: number,
): Promise<FloatArray> {
  const [samples = 0, ...rest] = dims;
  const size = data.length / samples;
  const rows: Float32Array[] = [];
  let shape: readonly number[] = [];
  for (let first = 0; first < samples; first += batch) {
    const count = Math.min(batch, samples - first);
    const part = await run({
      data: data.slice(first * size, (first + count) * size),
      dims: [count, ...rest],
    });
    checkOutput(part, count, part.data.length / count);
    shape = part.dims.slice(1);
    for (let row = 0; row < count; row++)
      rows.push(part.data.slice((row * part.data.length) / count, ((row + 1) * part.data.length) / count));
  }
  return stack(rows, [samples, ...shape]);
}

function checkOutput({ data, dims }: FloatArray, count: number, perSample: number): void {
  if (dims[0] === count && data.length === count * perSample) return;
  throw new InputError({
    what: "cannot use the model's output",
    why: `run returned the shape [${dims.join(", ")}] for ${count} samples`,
    fix: "return the output that has one row for each sample, or set batch to 1 if the batch of the model is fixed",
  });
}
