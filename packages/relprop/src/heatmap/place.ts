/** Draws what was found in the network's input where it lies in the whole picture. */

import type { Normalized } from "./normalize.ts";
import { paint, type Heatmap, type Pixels } from "./render.ts";

/** Size of a drawing, in its pixels. */
export interface DrawingSize {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** Edges of the network's input in a drawing of the picture, in the drawing's pixels; they may lie outside of it. */
export interface Placement {
  /** The left edge. */
  readonly left: number;
  /** The top edge. */
  readonly top: number;
  /** The right edge. */
  readonly right: number;
  /** The bottom edge. */
  readonly bottom: number;
}

/**
 * A heatmap of the input as one of the whole picture, in the same colours: each pixel of the drawing has the mean position of
 * the part of the input that it covers, so that nothing is interpolated and nothing left out. Where the network saw nothing
 * there is no relevance; padding is outside of the drawing.
 * @param heatmap one pixel for each pixel of the input
 * @param placement where the input lies
 */
export function placeHeatmap(heatmap: Heatmap, placement: Placement, size: DrawingSize): Heatmap {
  const { width, height } = size;
  const { normalized, colormap } = heatmap;
  const placer = new Placer(heatmap, placement, size);
  const positions = new Float32Array(width * height);
  for (let y = 0; y < height; y++) positions.set(placer.line(normalized, y), y * width);
  return {
    data: paint(positions, colormap),
    width,
    height,
    colormap,
    normalized: { ...normalized, positions },
  };
}

/** Draws heatmaps of one size at one place: which pixels are covered by which is computed once. */
export class Placer {
  readonly #from: DrawingSize;
  readonly #columns: Covered;
  readonly #rows: Covered;
  /** Positions between the two passes. */
  readonly #between: Float64Array;
  readonly #line: Float32Array;
  /** What the line was made of. */
  #drawn: { readonly of: Normalized; readonly row: number } | undefined;

  constructor(from: DrawingSize, { left, top, right, bottom }: Placement, { width, height }: DrawingSize) {
    this.#from = from;
    this.#columns = sharesOf(width, left, right, from.width);
    this.#rows = sharesOf(height, top, bottom, from.height);
    this.#between = new Float64Array(from.width);
    this.#line = new Float32Array(width);
  }

  /** The positions in a line of the drawing; the next call overwrites them. */
  line(normalized: Normalized, y: number): Float32Array {
    const { begins, pixels, shares } = this.#rows;
    const [begin, end] = [begins[y] ?? 0, begins[y + 1] ?? 0];
    // Where the input is enlarged, several lines cover one and the same row, and beside it none.
    const row = end - begin === 1 ? (pixels[begin] ?? 0) : begin === end ? -1 : undefined;
    if (row !== undefined && this.#drawn?.row === row && this.#drawn.of === normalized) return this.#line;
    this.#drawn = row === undefined ? undefined : { of: normalized, row };
    this.#line.fill(normalized.rest);
    if (begin === end) return this.#line;
    const { width } = this.#from;
    const { positions } = normalized;
    const between = this.#between.fill(0);
    for (let k = begin; k < end; k++) {
      const [at, share] = [(pixels[k] ?? 0) * width, shares[k] ?? 0];
      for (let x = 0; x < width; x++) between[x] = (between[x] ?? 0) + share * (positions[at + x] ?? 0);
    }
    placeLine(between, this.#columns, this.#line);
    return this.#line;
  }
}

/** Positions along a row of the input -> along a line of the drawing. */
function placeLine(from: Float64Array, { begins, pixels, shares }: Covered, to: Float32Array): void {
  for (let x = 0; x < to.length; x++) {
    const [begin, end] = [begins[x] ?? 0, begins[x + 1] ?? 0];
    if (begin === end) continue;
    let sum = 0;
    for (let k = begin; k < end; k++) sum += (shares[k] ?? 0) * (from[pixels[k] ?? 0] ?? 0);
    to[x] = sum;
  }
}

/** Pixels of the input that the pixels of a drawing cover along one axis. */
interface Covered {
  /** Where the entries of each pixel of the drawing begin; it has none if its centre is outside of the input. */
  readonly begins: Int32Array;
  readonly pixels: Int32Array;
  /** Of the pixel of the drawing; their sum is 1. */
  readonly shares: Float64Array;
}

function sharesOf(length: number, from: number, to: number, count: number): Covered {
  const scale = count / (to - from);
  const [begins, pixels, shares]: [number[], number[], number[]] = [[0], [], []];
  for (let i = 0; i < length; i++) {
    const centre = (i + 0.5 - from) * scale;
    if (centre >= 0 && centre < count) {
      const [start, end] = [Math.max(0, (i - from) * scale), Math.min(count, (i + 1 - from) * scale)];
      const first = Math.floor(start);
      const parts = Array.from(
        { length: Math.max(1, Math.ceil(end) - first) },
        (_each, k) => Math.min(end, first + k + 1) - Math.max(start, first + k),
      );
      const total = parts.reduce((sum, part) => sum + part, 0);
      for (const [k, part] of parts.entries()) {
        pixels.push(first + k);
        shares.push(part / total);
      }
    }
    begins.push(pixels.length);
  }
  return {
    begins: Int32Array.from(begins),
    pixels: Int32Array.from(pixels),
    shares: Float64Array.from(shares),
  };
}

/** Whether the centre of a pixel is between two edges. */
const isIn = (pixel: number, from: number, to: number): boolean => pixel + 0.5 >= from && pixel + 0.5 < to;

/** How much of the gray that lies over what the network did not see. */
const veil = 0.6;
const veilGray = 128;

/** What becomes of each brightness. */
const veiled = Uint8ClampedArray.from({ length: 256 }, (_, v) => (1 - veil) * v + veil * veilGray);

/** A copy of a drawing in which gray lies over all that is outside of the network's input. */
export function veilUnseen({ data, width, height }: Pixels, placement: Placement): Pixels {
  const copy = new Uint8ClampedArray(data);
  const veil = unseenIn(placement, width);
  for (let y = 0; y < height; y++) veil(copy.subarray(4 * y * width, 4 * (y + 1) * width), y);
  return { data: copy, width, height };
}

/** Lays the gray over what a line of a drawing shows outside of the input. */
export function unseenIn(
  { left, top, right, bottom }: Placement,
  width: number,
): (line: Uint8ClampedArray, y: number) => void {
  const isSeen = Array.from({ length: width }, (_, x) => isIn(x, left, right));
  const first = isSeen.includes(true) ? isSeen.indexOf(true) : width;
  const last = Math.max(first, isSeen.lastIndexOf(true) + 1);
  return (line, y) => {
    const isWithin = isIn(y, top, bottom);
    cover(line, 0, isWithin ? first : width);
    if (isWithin) cover(line, last, width);
  };
}

function cover(line: Uint8ClampedArray, from: number, to: number): void {
  for (let i = 4 * from; i < 4 * to; i += 4) {
    line[i] = veiled[line[i] ?? 0] ?? 0;
    line[i + 1] = veiled[line[i + 1] ?? 0] ?? 0;
    line[i + 2] = veiled[line[i + 2] ?? 0] ?? 0;
  }
}
