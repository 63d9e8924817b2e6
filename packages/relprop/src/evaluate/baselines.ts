/** What takes the place of removed parts of an input. */

import { OptionError } from "../errors.ts";
import { normalNumbers } from "../random.ts";
import { suggestion } from "../suggestion.ts";
import { sure } from "../sure.ts";
import { impute } from "./impute.ts";
import { gridOf, type Cells, type Layout } from "./layout.ts";

/** What removed places are filled with. */
export const baselines: Readonly<Record<BaselineName, string>> = {
  mean: "the mean of each channel over the picture, or of each column over all samples",
  black: "black, or zero",
  blur: "the picture itself, blurred: a Gaussian whose σ is a twentieth of the shorter side",
  noise: "normal random numbers of the same mean and standard deviation",
  inpaint: "what the pixels around it suggest: the weighted mean of their neighbours, removed ones included",
};

/** One of {@link baselines}. */
export type BaselineName = "mean" | "black" | "blur" | "noise" | "inpaint";

/** The names of {@link baselines}. */
export const baselineNames: readonly BaselineName[] = Object.keys(baselines) as BaselineName[];

/** Returns a copy of the input without some of its places. @param removed 1 for each place that is removed */
export type Filler = (removed: Uint8Array) => Float32Array;

/** How baselines are made. */
export interface BaselineOptions {
  /** Black, in the units of the input: one number for each channel. @default 0 */
  readonly black?: readonly number[];
  /** The seed of random numbers. @default 1 */
  readonly seed?: number;
}

/** An input, and which of its places may be removed. */
export interface Removable {
  /** One sample, as the model takes it. */
  readonly input: Float32Array;
  /** How its numbers lie. */
  readonly layout: Layout;
  /** Places without a cell do not count for means. */
  readonly cells: Pick<Cells, "of">;
  /** Mean and deviation of each number over many samples, where places have units of their own: columns of a table. */
  readonly columns?: Moments;
}

/** A mean and a standard deviation for each element of an input. */
export interface Moments {
  /** The means. */
  readonly mean: Float32Array;
  /** The standard deviations. */
  readonly deviation: Float32Array;
}

/**
 * Prepares a baseline for an input.
 * @throws OptionError for a baseline that does not exist
 * @throws InputError if `blur` or `inpaint` is asked for and places are no pixels
 */
export function fillerOf(
  name: BaselineName,
  sample: Removable,
  { black = [], seed = 1 }: BaselineOptions = {},
): Filler {
  const { input, layout } = sample;
  switch (name) {
    case "mean":
      return replacing(sample, momentsOf(sample).mean);
    case "black":
      return replacing(
        sample,
        constants(layout, (channel) => black[channel] ?? black[0] ?? 0),
      );
    case "blur":
      return replacing(sample, blurred(input, layout));
    case "noise":
      return replacing(sample, noiseLike(sample, seed));
    case "inpaint": {
      gridOf(layout);
      const mean = fillerOf("mean", sample);
      // With nothing left there are no neighbours.
      return (removed) => (removed.includes(0) ? impute(input, layout, removed) : mean(removed));
    }
    default: {
      const unknown: string = name;
      throw new OptionError({
        what: `there is no baseline "${unknown}"`,
        why: `baselines are ${baselineNames.join(", ")}`,
        ...suggestion(unknown, baselineNames),
      });
    }
  }
}

/** Takes removed places from another input of the same size. */
function replacing({ input, layout }: Removable, other: Float32Array): Filler {
  const { places, channels, step } = layout;
  return (removed) => {
    const filled = Float32Array.from(input);
    for (let place = 0; place < places; place++) {
      if (!removed[place]) continue;
      for (let channel = 0; channel < channels; channel++) {
        const at = place * step.place + channel * step.channel;
        filled[at] = sure(other[at]);
      }
    }
    return filled;
  };
}

/** An input whose channels are constant. */
function constants({ places, channels, step }: Layout, valueOf: (channel: number) => number): Float32Array {
  const made = new Float32Array(places * channels);
  for (let channel = 0; channel < channels; channel++) {
    const value = valueOf(channel);
    for (let place = 0; place < places; place++) made[place * step.place + channel * step.channel] = value;
  }
  return made;
}

/** Mean and deviation of each element: of its column, or of its channel over the places that may be removed. */
export function momentsOf(sample: Removable): Moments {
  const { layout, columns } = sample;
  if (columns) return columns;
  const channels = Array.from({ length: layout.channels }, (_, channel) => channelMoments(sample, channel));
  return {
    mean: constants(layout, (channel) => sure(channels[channel]).mean),
    deviation: constants(layout, (channel) => sure(channels[channel]).deviation),
  };
}

/** The moments of each element over many samples, one after the other. */
export function columnMoments(samples: Float32Array, size: number): Moments {
  const count = samples.length / size;
  const [mean, deviation] = [new Float32Array(size), new Float32Array(size)];
  for (let at = 0; at < size; at++) {
    let [sum, squares] = [0, 0];
    for (let i = at; i < samples.length; i += size) sum += sure(samples[i]);
    for (let i = at; i < samples.length; i += size) squares += (sure(samples[i]) - sum / count) ** 2;
    mean[at] = sum / count;
    deviation[at] = Math.sqrt(squares / count);
  }
  return { mean, deviation };
}

function channelMoments(
  { input, layout: { places, step }, cells }: Removable,
  channel: number,
): { readonly mean: number; readonly deviation: number } {
  let [sum, squares, count] = [0, 0, 0];
  for (let place = 0; place < places; place++) {
    if (sure(cells.of[place]) < 0) continue;
    const value = sure(input[place * step.place + channel * step.channel]);
    sum += value;
    squares += value * value;
    count++;
  }
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}

function noiseLike(sample: Removable, seed: number): Float32Array {
  const { mean, deviation } = momentsOf(sample);
  return normalNumbers(mean.length, seed).map((z, at) => sure(mean[at]) + sure(deviation[at]) * z);
}

/** How many σ a kernel reaches to each side. */
const reach = 4;

/** The picture after a Gaussian of σ pixels; beyond the edge lies the pixel at the edge. @default a twentieth of the shorter side */
export function blurred(input: Float32Array, layout: Layout, sigma?: number): Float32Array {
  const [height, width] = gridOf(layout);
  const { channels, step } = layout;
  const kernel = gaussian(sigma ?? Math.min(height, width) / 20);
  const made = new Float32Array(input.length);
  const [plane, rows, columns] = [0, 0, 0].map(() => new Float64Array(height * width)) as Planes;
  for (let channel = 0; channel < channels; channel++) {
    const at = (place: number): number => place * step.place + channel * step.channel;
    for (let place = 0; place < plane.length; place++) plane[place] = sure(input[at(place)]);
    convolve(plane, rows, kernel, { lines: height, length: width, line: width, step: 1 });
    convolve(rows, columns, kernel, { lines: width, length: height, line: 1, step: width });
    for (let place = 0; place < plane.length; place++) made[at(place)] = sure(columns[place]);
  }
  return made;
}

type Planes = [Float64Array, Float64Array, Float64Array];

/** Lines of a plane, along one axis: how many and how long they are, and how far apart in elements. */
interface Lines {
  readonly lines: number;
  readonly length: number;
  readonly line: number;
  readonly step: number;
}

/** Convolves each line; beyond its ends lies the number at its end. */
function convolve(
  from: Float64Array,
  to: Float64Array,
  kernel: Float64Array,
  { lines, length, line, step }: Lines,
): void {
  const radius = (kernel.length - 1) / 2;
  const padded = new Float64Array(length + 2 * radius);
  for (let each = 0; each < lines; each++) {
    for (let i = 0; i < padded.length; i++) {
      const near = Math.min(length - 1, Math.max(0, i - radius));
      padded[i] = sure(from[each * line + near * step]);
    }
    for (let i = 0; i < length; i++) {
      let sum = 0;
      // Bounds hold by construction, and this loop is most of the work.
      for (let k = 0; k < kernel.length; k++) sum += (kernel[k] as number) * (padded[i + k] as number);
      to[each * line + i * step] = sum;
    }
  }
}

function gaussian(sigma: number): Float64Array {
  const radius = Math.floor(reach * sigma + 0.5);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    sigma === 0 ? 1 : Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
