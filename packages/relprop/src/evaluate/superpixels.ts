/** Superpixels: connected parts of a picture of similar colour. */

import { sure } from "../sure.ts";
import { momentsOf, type Removable } from "./baselines.ts";
import { gridOf, type Cells } from "./layout.ts";

/** How superpixels are found. */
export interface SuperpixelOptions {
  /** About how many. @default 100 */
  readonly count?: number;
  /** The weight of distance against colour, where each channel has the standard deviation 1. @default 0.4 */
  readonly compactness?: number;
}

const rounds = 10;

/** A centre: its colour and its place. */
interface Centre {
  readonly color: Float64Array;
  y: number;
  x: number;
}

/**
 * Finds superpixels by SLIC (Achanta et al. 2012): k-means of colour and place, each centre looking no farther than twice the
 * grid's spacing; then parts that hang on to nothing are given to their neighbours. Places without a cell stay without.
 */
export function superpixels(
  sample: Removable,
  { count = 100, compactness = 0.4 }: SuperpixelOptions = {},
): Cells {
  const [height, width] = gridOf(sample.layout);
  const inside = sample.cells.of.reduce((sum, cell) => sum + (cell < 0 ? 0 : 1), 0);
  const spacing = Math.max(1, Math.sqrt(inside / count));
  const colors = standardized(sample);
  const centres = startCentres(sample, colors, [height, width], spacing);
  const of = new Int32Array(height * width).fill(-1);
  for (let round = 0; round < rounds; round++) {
    assign(of, centres, { colors, sample, size: [height, width], spacing, compactness });
    move(of, centres, colors, width);
  }
  return connected(of, sample, [height, width], (spacing * spacing) / 4);
}

/** The channels one after the other, each with mean 0 and standard deviation 1. */
function standardized(sample: Removable): Float64Array[] {
  const { input, layout } = sample;
  const { places, channels, step } = layout;
  const { mean, deviation } = momentsOf(sample);
  return Array.from({ length: channels }, (_, channel) =>
    Float64Array.from({ length: places }, (_each, place) => {
      const at = place * step.place + channel * step.channel;
      return (sure(input[at]) - sure(mean[at])) / (sure(deviation[at]) || 1);
    }),
  );
}

function startCentres(
  { cells }: Removable,
  colors: readonly Float64Array[],
  [height, width]: readonly [number, number],
  spacing: number,
): Centre[] {
  const centres: Centre[] = [];
  for (let y = spacing / 2; y < height; y += spacing) {
    for (let x = spacing / 2; x < width; x += spacing) {
      const place = Math.floor(y) * width + Math.floor(x);
      if (sure(cells.of[place]) < 0) continue;
      centres.push({ color: Float64Array.from(colors, (channel) => sure(channel[place])), y, x });
    }
  }
  return centres;
}

/** What distances depend on. */
interface Space {
  readonly colors: readonly Float64Array[];
  readonly sample: Removable;
  readonly size: readonly [height: number, width: number];
  readonly spacing: number;
  readonly compactness: number;
}

/** Gives each place to the nearest centre in reach. */
function assign(of: Int32Array, centres: readonly Centre[], space: Space): void {
  const { colors, sample, spacing, compactness } = space;
  const [height, width] = space.size;
  const nearest = new Float64Array(of.length).fill(Infinity);
  const scale = (compactness / spacing) ** 2;
  for (const [index, { color, y: cy, x: cx }] of centres.entries()) {
    const [top, bottom] = [Math.max(0, Math.ceil(cy - 2 * spacing)), Math.min(height - 1, cy + 2 * spacing)];
    const [left, right] = [Math.max(0, Math.ceil(cx - 2 * spacing)), Math.min(width - 1, cx + 2 * spacing)];
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const place = y * width + x;
        if (sure(sample.cells.of[place]) < 0) continue;
        let distance = scale * ((y - cy) ** 2 + (x - cx) ** 2);
        for (const [channel, values] of colors.entries())
          distance += (sure(values[place]) - sure(color[channel])) ** 2;
        if (distance >= sure(nearest[place])) continue;
        nearest[place] = distance;
        of[place] = index;
      }
    }
  }
}

/** Moves each centre to the mean of its places. */
function move(
  of: Int32Array,
  centres: readonly Centre[],
  colors: readonly Float64Array[],
  width: number,
): void {
  const sums = centres.map(() => ({ y: 0, x: 0, count: 0, color: new Float64Array(colors.length) }));
  for (let place = 0; place < of.length; place++) {
    const sum = sums[sure(of[place])];
    if (!sum) continue;
    sum.y += Math.floor(place / width);
    sum.x += place % width;
    sum.count++;
    for (const [channel, values] of colors.entries())
      sum.color[channel] = sure(sum.color[channel]) + sure(values[place]);
  }
  for (const [index, centre] of centres.entries()) {
    const { y, x, count, color } = sure(sums[index]);
    if (count === 0) continue;
    centre.y = y / count;
    centre.x = x / count;
    for (const [channel, total] of color.entries()) centre.color[channel] = total / count;
  }
}

/** Numbers connected parts anew; one smaller than `least` joins the part beside it that was found before. */
function connected(
  of: Int32Array,
  { cells }: Removable,
  [height, width]: readonly [number, number],
  least: number,
): Cells {
  const parts = new Int32Array(of.length).fill(-1);
  let count = 0;
  for (let start = 0; start < of.length; start++) {
    if (sure(cells.of[start]) < 0 || sure(parts[start]) >= 0) continue;
    const part = [start];
    let beside = -1;
    parts[start] = count;
    for (let i = 0; i < part.length; i++) {
      for (const place of around(sure(part[i]), height, width)) {
        if (sure(cells.of[place]) < 0 || sure(parts[place]) === count) continue;
        if (sure(parts[place]) >= 0) beside = sure(parts[place]);
        else if (of[place] === of[start]) {
          parts[place] = count;
          part.push(place);
        }
      }
    }
    if (part.length < least && beside >= 0) for (const place of part) parts[place] = beside;
    else count++;
  }
  return { count, of: parts };
}

/** The places above, below, left and right of a place. */
function around(place: number, height: number, width: number): number[] {
  const [y, x] = [Math.floor(place / width), place % width];
  return [
    ...(y > 0 ? [place - width] : []),
    ...(y < height - 1 ? [place + width] : []),
    ...(x > 0 ? [place - 1] : []),
    ...(x < width - 1 ? [place + 1] : []),
  ];
}
