import { sureNumber } from "../sure.ts";
import type { Shape } from "./graph.ts";
import { sizeOf } from "./tensor.ts";

/** An axis of a rank, or an index of a length, counted from the start: negative ones count from the end. */
export const wrapped = (index: number, length: number): number => (index < 0 ? index + length : index);

/** The size of an axis, which has to be a number; 1 if there is no axis. */
export const sizeAlong = (shape: Shape, axis: number | undefined): number =>
  axis === undefined ? 1 : sureNumber(shape[axis]);

/** How far apart neighbours along an axis are, row-major. */
export const strideAlong = (dims: readonly number[], axis: number): number => sizeOf(dims.slice(axis + 1));

/** Gives the index along an axis of the element at a row-major position; 0 if there is no axis. */
export function indexAlong(dims: readonly number[], axis: number | undefined): (position: number) => number {
  if (axis === undefined) return () => 0;
  const [stride, size] = [strideAlong(dims, axis), sizeAlong(dims, axis)];
  return (position) => Math.floor(position / stride) % size;
}
