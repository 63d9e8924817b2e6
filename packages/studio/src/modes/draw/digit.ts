/** Ink on a drawing surface -> a digit in the form of MNIST. */

import type { Picture } from "@relprop/engine/engine";

/** Strokes: 0 is paper, 255 is ink; row-major, square or not. */
export interface Ink {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Side of the picture, and of the box that the digit fills, in pixels (LeCun et al. 1998, MNIST). */
const side = 28;
const box = 20;

/** White on black, 28 × 28: the digit's longer side is 20 pixels, its centre of mass in the middle. Undefined without ink. */
export function centreDigit(ink: Ink): Picture | undefined {
  const bounds = boundsOf(ink);
  if (!bounds) return undefined;
  const { left, top, width, height } = bounds;
  const scale = box / Math.max(width, height);
  const columns = Math.max(1, Math.round(width * scale));
  const rows = Math.max(1, Math.round(height * scale));
  const small = new Float32Array(rows * columns);
  let [mass, massX, massY] = [0, 0, 0];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const value = mean(
        ink,
        [left + (x * width) / columns, left + ((x + 1) * width) / columns],
        [top + (y * height) / rows, top + ((y + 1) * height) / rows],
      );
      small[y * columns + x] = value;
      mass += value;
      massX += value * (x + 0.5);
      massY += value * (y + 0.5);
    }
  }
  const at = (sum: number, count: number): number =>
    Math.min(side - count, Math.max(0, Math.round(side / 2 - sum / mass)));
  return place(small, rows, columns, at(massX, columns), at(massY, rows));
}

function boundsOf({
  data,
  width,
  height,
}: Ink): { left: number; top: number; width: number; height: number } | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((data[y * width + x] ?? 0) < 32) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Mean of the ink in a rectangle, over at least one pixel. */
function mean(ink: Ink, [x0, x1]: [number, number], [y0, y1]: [number, number]): number {
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(y0); y < Math.max(Math.floor(y0) + 1, y1); y++) {
    for (let x = Math.floor(x0); x < Math.max(Math.floor(x0) + 1, x1); x++) {
      sum += ink.data[y * ink.width + x] ?? 0;
      count++;
    }
  }
  return sum / count;
}

function place(small: Float32Array, rows: number, columns: number, left: number, top: number): Picture {
  const data = new Uint8ClampedArray(4 * side * side);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      data.fill(
        small[y * columns + x] ?? 0,
        4 * ((top + y) * side + left + x),
        4 * ((top + y) * side + left + x) + 3,
      );
    }
  }
  return { data, width: side, height: side };
}
