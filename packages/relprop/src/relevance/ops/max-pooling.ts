/** MaxPool's transpose: all of s goes to the first maximum of its window in scan order. x [N, C, …], y [N, C, …′]. */

import { int, ints, type Node, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { pickEach } from "../../onnx/column-window.ts";
import { numbersOf, sizeOf } from "../../onnx/tensor.ts";
import { x, y, type Site } from "../site.ts";
import { indicator } from "./calculus.ts";
import { interleave } from "./interleave.ts";
import { globalMaxPool, poolingWindow } from "./pooling.ts";
import { fit, lowest, pad, sizes, spatialSizes } from "./shapes.ts";
import { ceils, extent, isUnit, isZero, type Window } from "./windows.ts";
import { checkSize } from "../../size-limit.ts";
import { sureNumber } from "../../sure.ts";

/** Windows that overlap add up. */
export function maxPool(site: Site, s: Value): Value {
  const window = poolingWindow(site);
  const { kernel } = window;
  const large = kernel.findLastIndex((size) => size > 1);
  if (sizeOf(kernel) > mostPositions && isGlobal(site, window)) return globalMaxPool(site, s);
  if (sizeOf(kernel) > mostPositions && kernel.findIndex((size) => size > 1) < large)
    return axisByAxis(site, s, window, large);
  return isTiling(site, window) ? ofTiles(site, s, kernel) : ofWindows(site, s, window);
}

/** Larger windows are taken apart: copies of all their positions would be as many numbers as the square of these. */
const mostPositions = 64;

/** Whether a single window has all of x. */
function isGlobal(site: Site, { kernel, dilations, padsBegin }: Window): boolean {
  const [input, output] = [spatialSizes(x(site)), spatialSizes(y(site))];
  return (
    output !== undefined &&
    isUnit(output) &&
    isUnit(dilations) &&
    isZero(padsBegin) &&
    input?.every((size, i) => size <= sureNumber(kernel[i])) === true
  );
}

/**
 * The maximum along the last axis, and then along the others: the first maximum in scan order is the first of the first row
 * that has one.
 */
function axisByAxis(site: Site, s: Value, window: Window, last: number): Value {
  const { b, node } = site;
  const alone = (isLast: boolean): Node => {
    const along = (numbers: readonly number[], neutral: number): number[] =>
      numbers.map((n, i) => ((i === last) === isLast ? n : neutral));
    const { kernel, strides, dilations, padsBegin, padsEnd } = window;
    const attributes = {
      kernel_shape: ints(along(kernel, 1)),
      strides: ints(along(strides, 1)),
      dilations: ints(along(dilations, 1)),
      pads: ints([...along(padsBegin, 0), ...along(padsEnd, 0)]),
      ceil_mode: int(ceils(node) ? 1 : 0),
    };
    return { ...node, attributes };
  };
  const [rows, rest] = [alone(true), alone(false)];
  const between = b.like(rows, [x(site)]);
  const inner = { ...site, node: rows, outputs: [between] };
  const outer = { ...site, node: rest, inputs: [between] };
  return maxPool(inner, maxPool(outer, s));
}

/** Whether windows lie side by side, each of them inside of x. */
function isTiling(site: Site, { kernel, strides, dilations, padsBegin, padsEnd }: Window): boolean {
  const [input, output] = [spatialSizes(x(site)), spatialSizes(y(site))];
  return (
    input !== undefined &&
    output !== undefined &&
    kernel.every((size, i) => size === strides[i] && sureNumber(output[i]) * size <= sureNumber(input[i])) &&
    isUnit(dilations) &&
    isZero(padsBegin) &&
    isZero(padsEnd)
  );
}

/**
 * Position by position, a maximum takes what is left of s: on CPUs half the time of {@link ofWindows}, whose transposed
 * convolution is all memory.
 */
function ofTiles(site: Site, s: Value, kernel: readonly number[]): Value {
  const { b } = site;
  const channels = sureNumber(x(site).shape[1]);
  const positions = sizeOf(kernel);
  const sliding = { strides: ints(kernel), group: int(channels) };
  const apart = b.op("Conv", [x(site), pickPositions(site, channels, kernel)], sliding);
  const byPosition = b.op("Reshape", [apart, b.integers([0, channels, positions, -1])]);
  const elements = b.ops("Split", [byPosition], { axis: int(2) }, positions);
  const one = b.integers([0, channels, 1, -1]);
  const maximum = b.op("Reshape", [y(site), one]);
  const dims = b.integers(y(site).shape.map((dim, i) => (i === 0 ? 0 : sureNumber(dim))));
  let left = b.op("Reshape", [s, one]);
  const parts = elements.map((element, i) => {
    // One of them is a maximum.
    const won = i === positions - 1 ? left : b.op("Mul", [left, isEqual(b, element, maximum)]);
    if (i < positions - 1) left = b.op("Sub", [left, won]);
    return b.op("Reshape", [won, dims]);
  });
  return fit(
    b,
    interleave(b, parts, kernel),
    x(site),
    kernel.map(() => 0),
    0,
  );
}

/** 1 where a = c, else 0. */
const isEqual = (b: GraphBuilder, a: Value, c: Value): Value => indicator(b, b.op("Equal", [a, c]));

/** Any windows: they are laid side by side by a convolution that copies. */
function ofWindows(site: Site, s: Value, window: Window): Value {
  const { b } = site;
  const channels = sureNumber(x(site).shape[1]);
  const positions = sizeOf(window.kernel);
  const pick = pickPositions(site, channels, window.kernel);
  const sliding = { strides: ints(window.strides), dilations: ints(window.dilations), group: int(channels) };

  // [N, C·k·k, …′]: the elements of each window side by side, smallest number where the window leaves the image.
  const end = window.padsEnd.map((n, i) => n + (ceils(site.node) ? sureNumber(window.strides[i]) : 0));
  const padded = pad(b, x(site), window.padsBegin, end, lowest);
  const candidates = fit(
    b,
    b.op("Conv", [padded, pick], sliding),
    y(site),
    window.kernel.map(() => 0),
    0,
  );

  const byPosition = b.integers([0, channels, positions, -1]);
  const one = b.integers([0, channels, 1, -1]);
  const isMaximum = isEqual(b, b.op("Reshape", [candidates, byPosition]), b.op("Reshape", [y(site), one]));
  // Of several maxima the first: it gets the highest number of those that are maxima at all.
  const order = b.numbers(
    Array.from({ length: positions }, (_, i) => positions - i),
    [1, 1, positions, 1],
  );
  const score = b.op("Mul", [isMaximum, order]);
  const highest = b.op("ReduceMax", [score], { axes: ints([2]), keepdims: int(1) });
  const won = b.op("Mul", [isEqual(b, score, highest), b.op("Reshape", [s, one])]);

  const shape = sizes(b, [-1, channels * positions, ...s.shape.slice(2)], s);
  const back = b.op("ConvTranspose", [b.op("Reshape", [won, shape]), pick], sliding);
  return fit(b, back, x(site), window.padsBegin, Math.max(...extent(window)));
}

/** Weights [C·positions, 1, …k] of a grouped convolution that copies each position of the window to its own channel. */
function pickPositions({ b, node }: Site, channels: number, kernel: readonly number[]): Value {
  const positions = sizeOf(kernel);
  checkSize(node, channels * positions * positions, "numbers to tell the places of its windows apart");
  const pick = pickEach(node, kernel);
  const once = b.numbers(Array.from(numbersOf(pick)), pick.dims);
  return b.op("Tile", [once, b.integers([channels, 1, ...kernel.map(() => 1)])]);
}
