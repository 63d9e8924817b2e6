/** The filters that stand for strides: a box for averages, a hat for interpolation. Their copies, s apart, sum to a constant. */

import { sureNumber } from "../../sure.ts";
import type { DenseStrides } from "../stride-modes.ts";
import { extent, type Window } from "./windows.ts";

/** A filter along one axis. */
export interface StrideTaps {
  /** Whole numbers, the same from both ends. */
  readonly weights: readonly number[];
  /** Their sum. */
  readonly total: number;
  /** How many of them lie before the first position of the stride. */
  readonly before: number;
}

/**
 * The filter for a stride of s: `average` gives s ones over its positions; `interpolate` the weights of bilinear enlargement by s, which are
 * 1, 3, 3, 1 for a stride of 2, 1, 2, 3, 2, 1 for 3 and 1, 3, 5, 7, 7, 5, 3, 1 for 4, around the same centre.
 */
export function strideTaps(stride: number, mode: DenseStrides): StrideTaps {
  if (stride === 1) return { weights: [1], total: 1, before: 0 };
  if (mode === "average")
    return { weights: Array.from({ length: stride }, () => 1), total: stride, before: 0 };
  const isOdd = stride % 2 === 1;
  const rising = Array.from({ length: stride }, (_, i) => (isOdd ? i + 1 : 2 * i + 1));
  const weights = [...rising, ...rising.toReversed().slice(isOdd ? 1 : 0)];
  return {
    weights,
    total: weights.reduce((sum, weight) => sum + weight, 0),
    before: Math.floor(stride / 2),
  };
}

/** A window whose kernel was smoothed by these filters, around the same places. */
export const widened = (exact: Window, taps: readonly StrideTaps[]): Window => {
  const more = (i: number): number => (taps[i]?.weights.length ?? 1) - 1;
  const before = (i: number): number => taps[i]?.before ?? 0;
  return {
    ...exact,
    kernel: extent(exact).map((size, i) => size + more(i)),
    dilations: exact.dilations.map(() => 1),
    padsBegin: exact.padsBegin.map((size, i) => sureNumber(size) + before(i)),
    padsEnd: exact.padsEnd.map((size, i) => size + more(i) - before(i)),
  };
};
