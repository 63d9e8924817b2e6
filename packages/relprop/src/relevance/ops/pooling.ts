/** Averages, sums and maxima over windows and axes. x [N, C, …], y [N, C, …′]. */

import { ints, intsAttribute, numberAttribute, string, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import { type StandIn } from "../row-kinds.ts";
import type { DenseStrides } from "../stride-modes.ts";
import { x, y, type Site } from "../site.ts";
import { equalParts, pullBackNorm, toFirst } from "./reductions.ts";
import { filled, fit, pad, reshapeLike, sizes, spatialSizes } from "./shapes.ts";
import { strideTaps, type StrideTaps } from "./stride-taps.ts";
import { ceils, extent, isUnit, isZero, windowOf, type Window } from "./windows.ts";
import { sure, sureNumber } from "../../sure.ts";

/** The window that a pooling operator slides. */
export function poolingWindow(site: Site): Window {
  return windowOf(site.node, intsAttribute(site.node, "kernel_shape") ?? [], x(site), y(site));
}

/** AveragePool: each element of s goes in equal parts to the window it was the mean of. */
export function averagePool(site: Site, s: Value): Value {
  const { b, node } = site;
  const window = poolingWindow(site);
  const counted =
    numberAttribute(node, "count_include_pad", 0) === 1 ||
    (isZero(window.padsBegin) && isZero(window.padsEnd));
  const part = counted && !ceils(node) ? b.scalar(1 / sizeOf(window.kernel)) : partOfWindow(site, window);
  return spread(b, b.op("Mul", [s, part]), window, x(site));
}

/**
 * 1 / (number of elements that a mean is taken over), for each output position. Padding, ceil_mode and
 * count_include_pad change that number at the border, and the operator itself is the one that knows how: its mean of
 * ones is (elements inside) / (elements counted).
 */
function partOfWindow(site: Site, window: Window): Value {
  const { b, node } = site;
  const ones = filled(b, 1, [1, 1, ...x(site).shape.slice(2)], x(site));
  const mean = b.like(node, [ones]);
  const kernel = b.numbers(
    Array.from({ length: sizeOf(window.kernel) }, () => 1),
    [1, 1, ...window.kernel],
  );
  // Where the last window hangs over the end, pad for it too; the surplus rows are cut again.
  const end = ceils(node) ? window.padsEnd.map((n, i) => n + sureNumber(window.strides[i])) : window.padsEnd;
  const inside = b.op("Conv", [pad(b, ones, window.padsBegin, end), kernel], {
    strides: ints(window.strides),
    dilations: ints(window.dilations),
  });
  return b.op("Div", [
    mean,
    fit(
      b,
      inside,
      mean,
      window.kernel.map(() => 0),
      0,
    ),
  ]);
}

/** Adds each element of s [N, C, …′] to every position of its window, in the shape of `like`. */
function spread(b: GraphBuilder, s: Value, window: Window, like: Value): Value {
  const tiles = window.kernel.every((size, i) => size === window.strides[i]) && isUnit(window.dilations);
  if (tiles) {
    return fit(b, enlarge(b, s, window.kernel), like, window.padsBegin, Math.max(...window.kernel));
  }
  const kernel = b.numbers(
    Array.from({ length: sizeOf(window.kernel) }, () => 1),
    [1, 1, ...window.kernel],
  );
  // Channels do not mix: fold them into the batch, and one small kernel serves all.
  const channels = sureNumber(s.shape[1]);
  const zeros = window.kernel.map(() => 0);
  const single = b.op("Reshape", [s, sizes(b, [-1, 1, ...s.shape.slice(2)], s)]);
  const back = b.op("ConvTranspose", [single, kernel], {
    strides: ints(window.strides),
    dilations: ints(window.dilations),
  });
  const whole = b.op("Reshape", [back, b.integers([-1, channels, ...zeros])]);
  return fit(b, whole, like, window.padsBegin, Math.max(...extent(window)));
}

/** Each element repeated `factors` times along each spatial axis. */
function enlarge(b: GraphBuilder, s: Value, factors: readonly number[]): Value {
  if (isUnit(factors)) return s;
  return b.op("Resize", [s, undefined, b.numbers([1, 1, ...factors])], {
    mode: string("nearest"),
    coordinate_transformation_mode: string("asymmetric"),
    nearest_mode: string("floor"),
  });
}

/** Where the s×s window starts that stands for max pooling: s·i − p + ⌊(k − s)/2⌋. */
const averagedBegin = (window: Window): number[] =>
  extent(window).map(
    (span, i) => Math.floor((span - sureNumber(window.strides[i])) / 2) - sureNumber(window.padsBegin[i]),
  );

/** MaxPool as an average around the centre of its window, with strides averaged or interpolated (docs/rules.md §5). */
export const averagedMaxPool = (site: Site, mode: DenseStrides): StandIn =>
  mode === "average" || isUnit(poolingWindow(site).strides) ? meanOfTiles(site) : meanByTaps(site, mode);

/** The mean of overlapping windows, weighted as bilinear enlargement weighs: a convolution of each channel with a hat. */
function meanByTaps(site: Site, mode: DenseStrides): StandIn {
  const { b } = site;
  const exact = poolingWindow(site);
  const taps = exact.strides.map((stride) => strideTaps(stride, mode));
  const begin = averagedBegin(exact).map((start, i) => start - sure(taps[i]).before);
  const kernel = taps.map(({ weights }) => weights.length);
  const zeros = kernel.map(() => 0);
  const strides = ints(exact.strides);
  const weights = b.numbers(outerProduct(taps), [1, 1, ...kernel]);
  // Channels do not mix: fold them into the batch, and one small kernel serves all.
  const channels = sureNumber(x(site).shape[1]);
  const folded = (v: Value): Value => b.op("Reshape", [v, sizes(b, [-1, 1, ...v.shape.slice(2)], v)]);
  const unfolded = (v: Value): Value => b.op("Reshape", [v, b.integers([-1, channels, ...zeros])]);
  // Where the last window hangs over the end; the surplus is cut again.
  const end = kernel.map((size, i) => size + sureNumber(exact.strides[i]));
  const padded = crop(b, x(site), begin, end);
  const pooled = unfolded(b.op("Conv", [folded(padded), weights], { strides }));
  return {
    y: fit(b, pooled, y(site), zeros, 0),
    pullBack(s) {
      const back = unfolded(b.op("ConvTranspose", [folded(s), weights], { strides }));
      return fit(
        b,
        back,
        x(site),
        begin.map((n) => -n),
        Math.max(...kernel) + Math.max(...extent(exact)),
      );
    },
  };
}

/** The filters of all axes as one kernel that sums to 1. */
const outerProduct = (taps: readonly StrideTaps[]): number[] =>
  taps.reduce<number[]>(
    (all, { weights, total }) => all.flatMap((left) => weights.map((weight) => (left * weight) / total)),
    [1],
  );

/** MaxPool as the seed explains it: the average of the s×s window, zeros beyond the border included. */
function meanOfTiles(site: Site): StandIn {
  const { b } = site;
  const window = poolingWindow(site);
  const { strides } = window;
  const begin = averagedBegin(window);
  const output = spatialSizes(y(site));
  const input = spatialSizes(x(site));
  const reach = output && input ? output.map((size, i) => size * sureNumber(strides[i])) : undefined;
  const covered = reach
    ? crop(
        b,
        x(site),
        begin,
        reach.map((n, i) => n + sureNumber(begin[i]) - sureNumber(input?.[i])),
      )
    : pad(
        b,
        crop(
          b,
          x(site),
          begin,
          begin.map(() => 0),
        ),
        begin.map(() => 0),
        strides,
      );
  const pooled = isUnit(strides)
    ? covered
    : b.op("AveragePool", [covered], { kernel_shape: ints(strides), strides: ints(strides) });
  return {
    y: fit(
      b,
      pooled,
      y(site),
      begin.map(() => 0),
      0,
    ),
    pullBack(s) {
      const part = isUnit(strides) ? s : b.op("Mul", [s, b.scalar(1 / sizeOf(strides))]);
      const slack = Math.max(...extent(window));
      return fit(
        b,
        enlarge(b, part, strides),
        x(site),
        begin.map((n) => -n),
        slack,
      );
    },
  };
}

/** The numbers that point the way of `sign`, as lengths; 0 for the others. */
const lengths = (numbers: readonly number[], sign: number): number[] =>
  numbers.map((n) => Math.max(0, sign * n));

/** v with `begin` elements cut (or, if negative, zeros added) at the start of each spatial axis and `end` added at its end. */
function crop(b: GraphBuilder, v: Value, begin: readonly number[], end: readonly number[]): Value {
  const padded = pad(b, v, lengths(begin, -1), lengths(end, 1));
  if (begin.every((n) => n <= 0) && end.every((n) => n >= 0)) return padded;
  const starts = lengths(begin, 1);
  const stops = end.map((n) => (n < 0 ? n : Number.MAX_SAFE_INTEGER));
  return b.op("Slice", [
    padded,
    b.integers(starts),
    b.integers(stops),
    b.integers(begin.map((_, i) => i + 2)),
  ]);
}

/** The spatial axes: all after N and C. */
const spatialAxes = (site: Site): number[] =>
  x(site)
    .shape.slice(2)
    .map((_, i) => i + 2);

/** GlobalAveragePool: s in equal parts to every position. */
export const globalAveragePool = (site: Site, s: Value): Value =>
  equalParts(site.b, s, x(site), spatialAxes(site));

/** GlobalMaxPool: s to the first maximum of each channel in scan order. */
export function globalMaxPool(site: Site, s: Value): Value {
  const { b } = site;
  const channels = sureNumber(x(site).shape[1]);
  const flat = b.op("Reshape", [x(site), b.integers([0, channels, -1])]);
  const one = b.integers([0, channels, 1]);
  const won = toFirst(b, flat, b.op("Reshape", [y(site), one]), b.op("Reshape", [s, one]), 2);
  return reshapeLike(b, won, x(site));
}

/** GlobalMaxPool explained as the average of the same window. */
export const averagedGlobalMaxPool = (site: Site): StandIn => ({
  y: site.b.op("GlobalAveragePool", [x(site)]),
  pullBack: (s) => globalAveragePool(site, s),
});

/** LpPool: y = (Σ |x|ᵖ)^(1/p) of each window. */
export const lpPool = (site: Site, s: Value): Value =>
  pullBackNorm(site, s, normOrder(site), (v) => spread(site.b, v, poolingWindow(site), x(site)));

/** GlobalLpPool: y = (Σ |x|ᵖ)^(1/p) of each channel. */
export const globalLpPool = (site: Site, s: Value): Value => pullBackNorm(site, s, normOrder(site), (v) => v);

const normOrder = (site: Site): number => numberAttribute(site.node, "p", 2);
