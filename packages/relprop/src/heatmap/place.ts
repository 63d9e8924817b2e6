/** Draws what was found in the network's input where it lies in the whole picture. */

import type { Heatmap, Pixels } from "./render.ts";
import { paint } from "./render.ts";

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
export function placeHeatmap(
  heatmap: Heatmap,
  placement: Placement,
  { width, height }: DrawingSize,
): Heatmap {
  const { normalized, colormap } = heatmap;
  const columns = sharesOf(width, placement.left, placement.right, heatmap.width);
  const rows = sharesOf(height, placement.top, placement.bottom, heatmap.height);
  const positions = new Float32Array(width * height).fill(normalized.rest);
  const line = new Float64Array(heatmap.width);
  for (let y = 0; y < height; y++) {
    const [begin, end] = [rows.begins[y] ?? 0, rows.begins[y + 1] ?? 0];
    if (begin === end) continue;
    // Where the input is enlarged, several rows in a line cover one and the same.
    if (isAlone(rows, y) && isAlone(rows, y - 1) && rows.pixels[begin] === rows.pixels[begin - 1]) {
      positions.copyWithin(y * width, (y - 1) * width, y * width);
      continue;
    }
    line.fill(0);
    for (let k = begin; k < end; k++) {
      const [at, share] = [(rows.pixels[k] ?? 0) * heatmap.width, rows.shares[k] ?? 0];
      for (let x = 0; x < line.length; x++)
        line[x] = (line[x] ?? 0) + share * (normalized.positions[at + x] ?? 0);
    }
    placeLine(line, columns, positions, y * width);
  }
  return {
    data: paint(positions, colormap),
    width,
    height,
    colormap,
    normalized: { ...normalized, positions },
  };
}

/** Positions along a row of the input -> along a row of the drawing. */
function placeLine(line: Float64Array, columns: Covered, to: Float32Array, at: number): void {
  const { begins, pixels, shares } = columns;
  for (let x = 0; x < begins.length - 1; x++) {
    const [begin, end] = [begins[x] ?? 0, begins[x + 1] ?? 0];
    if (begin === end) continue;
    let sum = 0;
    for (let k = begin; k < end; k++) sum += (shares[k] ?? 0) * (line[pixels[k] ?? 0] ?? 0);
    to[at + x] = sum;
  }
}

/** Pixels of the input that the pixels of a drawing cover along one axis. */
interface Covered {
  /** Where the entries of each pixel of the drawing begin; it has none if its centre is outside of the input. */
  readonly begins: readonly number[];
  readonly pixels: readonly number[];
  /** Of the pixel of the drawing; their sum is 1. */
  readonly shares: readonly number[];
}

const isAlone = ({ begins }: Covered, i: number): boolean => (begins[i + 1] ?? 0) - (begins[i] ?? 0) === 1;

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
  return { begins, pixels, shares };
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
  const cover = (y: number, from: number, to: number): void => {
    for (let at = 4 * (y * width + from); at < 4 * (y * width + to); at += 4) {
      copy[at] = veiled[data[at] ?? 0] ?? 0;
      copy[at + 1] = veiled[data[at + 1] ?? 0] ?? 0;
      copy[at + 2] = veiled[data[at + 2] ?? 0] ?? 0;
    }
  };
  const isSeen = Array.from({ length: width }, (_, x) => isIn(x, placement.left, placement.right));
  const left = isSeen.includes(true) ? isSeen.indexOf(true) : width;
  const right = Math.max(left, isSeen.lastIndexOf(true) + 1);
  for (let y = 0; y < height; y++) {
    if (isIn(y, placement.top, placement.bottom)) {
      cover(y, 0, left);
      cover(y, right, width);
    } else {
      cover(y, 0, width);
    }
  }
  return { data: copy, width, height };
}
