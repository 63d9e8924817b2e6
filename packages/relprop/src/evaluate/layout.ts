/** How the numbers of an input lie, and which of them are removed together. */

import { InputError } from "../errors.ts";
import { pictureLayout } from "../methods/picture-layout.ts";
import { sure } from "../sure.ts";

/**
 * How the elements of one sample lie: some channels at each place, which is a pixel, a token, a column or a time. Relevance
 * has one number for each place.
 */
export interface Layout {
  /** How many places. */
  readonly places: number;
  /** How many numbers each place has. */
  readonly channels: number;
  /** Channel c of place p is element p · step.place + c · step.channel. */
  readonly step: { readonly place: number; readonly channel: number };
  /** Height and width, where places are pixels, row by row. */
  readonly grid?: readonly [height: number, width: number];
}

/** Pixels of a rectangle, of which right and bottom are no part. */
export interface Rectangle {
  /** The first column. */
  readonly left: number;
  /** The first row. */
  readonly top: number;
  /** The column after the last one. */
  readonly right: number;
  /** The row after the last one. */
  readonly bottom: number;
}

/** Places that are removed together: patches, superpixels, tokens, columns. */
export interface Cells {
  /** How many cells. */
  readonly count: number;
  /** The cell of each place; −1 where a place belongs to none and is never removed. */
  readonly of: Int32Array;
}

/** @param dims [1, C, H, W] or [1, H, W, C] @throws InputError for other shapes */
export function layoutOfPicture(dims: readonly number[]): Layout {
  const size = dims.reduce((product, n) => product * n, 1);
  const { channels, height, width, step } = pictureLayout({ data: new Float32Array(size), dims });
  return {
    places: height * width,
    channels,
    step: { place: step.x, channel: step.channel },
    grid: [height, width],
  };
}

/** A layout with one number at each place. */
export const listLayout = (places: number): Layout => ({
  places,
  channels: 1,
  step: { place: 1, channel: 0 },
});

/** @throws InputError if places are no pixels */
export function gridOf({ grid }: Layout): readonly [height: number, width: number] {
  if (grid) return grid;
  throw new InputError({
    what: "cannot cut this input into patches",
    why: "its places are not the pixels of a picture",
  });
}

/** Each place for itself. */
export const singleCells = ({ places }: Layout): Cells => ({
  count: places,
  of: Int32Array.from({ length: places }, (_, i) => i),
});

/**
 * Square patches, from the left and the top; those at the right and the bottom may be smaller.
 * @param within the part that is cut into patches; padding around a picture is none. @default all
 */
export function patchCells(layout: Layout, patch: number, within?: Rectangle): Cells {
  const [height, width] = gridOf(layout);
  const { left, top, right, bottom } = within ?? { left: 0, top: 0, right: width, bottom: height };
  const across = Math.ceil((right - left) / patch);
  const of = new Int32Array(height * width).fill(-1);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++)
      of[y * width + x] = Math.floor((y - top) / patch) * across + Math.floor((x - left) / patch);
  }
  return { count: across * Math.ceil((bottom - top) / patch), of };
}

/** Each pixel of the parts that have cells for itself. */
export function pixelCells({ of }: Cells): Cells {
  let count = 0;
  return { of: of.map((cell) => (cell < 0 ? -1 : count++)), count };
}

/** The mean relevance of each cell's places. */
export function relevanceOfCells(map: ArrayLike<number>, { count, of }: Cells): Float64Array {
  const sums = new Float64Array(count);
  const sizes = new Float64Array(count);
  for (let place = 0; place < of.length; place++) {
    const cell = sure(of[place]);
    if (cell < 0) continue;
    sums[cell] = sure(sums[cell]) + (map[place] ?? 0);
    sizes[cell] = sure(sizes[cell]) + 1;
  }
  return sums.map((sum, cell) => sum / sure(sizes[cell]));
}

/**
 * How the numbers of one sample lie: pixels with their channels for [1, C, H, W] and [1, H, W, C], else each number for
 * itself.
 */
export const layoutOf = (dims: readonly number[]): Layout =>
  dims.length === 4 ? layoutOfPicture(dims) : listLayout(dims.reduce((product, n) => product * n, 1));

/** Runs of neighbours along the last axis, for signals; those at the end of a row may be shorter. */
export function runCells(places: number, row: number, length: number): Cells {
  const inRow = Math.ceil(row / length);
  const of = Int32Array.from(
    { length: places },
    (_, place) => Math.floor(place / row) * inRow + Math.floor((place % row) / length),
  );
  return { count: Math.ceil(places / row) * inRow, of };
}

/** How many cells there are at most along an axis, where nothing is said. */
const usualCells = 16;

/** Cells where nothing is said: 16 patches along the shorter side of a picture, all numbers of a short list, runs of a long one. */
export function usualCellsOf(dims: readonly number[], patch?: number, within?: Rectangle): Cells {
  const layout = layoutOf(dims);
  if (layout.grid) {
    const usual = Math.max(1, Math.round(Math.min(...layout.grid) / usualCells));
    return patchCells(layout, patch ?? usual, within);
  }
  const row = dims.at(-1) ?? 1;
  return runCells(layout.places, row, patch ?? Math.ceil(layout.places / usualCells ** 2));
}

/** Relevance of one sample -> one number for each place, summed over channels. @throws InputError if it is of another size */
export function mapOf(relevance: Float32Array, { places, channels, step }: Layout): Float32Array {
  if (relevance.length === places) return relevance;
  if (relevance.length !== places * channels) {
    throw new InputError({
      what: "cannot measure this map",
      why: `it has ${relevance.length} numbers for ${places} places of the input`,
    });
  }
  const map = new Float32Array(places);
  for (let place = 0; place < places; place++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++)
      sum += sure(relevance[place * step.place + channel * step.channel]);
    map[place] = sum;
  }
  return map;
}
