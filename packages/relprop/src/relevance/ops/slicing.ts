/** Slice, and the way back: to where the elements were, zeros elsewhere. Sizes may be open, and where it starts, too. */

import { wrapped } from "../../onnx/axis.ts";
import { int, type Value } from "../../onnx/graph.ts";
import { constantIntegers } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { x, type Site } from "../site.ts";
import { padAxis } from "./picking.ts";
import { mirror } from "./repeating.ts";
import {
  addSizes,
  asVector,
  multiplySizes,
  sizeAt,
  sizesOf,
  subtractSizes,
  vectorOf,
  type Size,
} from "./shapes.ts";

interface Cut {
  readonly axis: number;
  readonly step: number;
  /** As the node has it: negative numbers count from the end, and it may lie beyond both ends. Undefined: only the run knows. */
  readonly start: number | undefined;
}

/** What a Slice does to each axis it names, if axes and steps are known when the graph is compiled. */
function cutsOf(site: Site): readonly Cut[] | undefined {
  const [, starts, , axes, steps] = site.inputs;
  const count = starts?.shape[0];
  const rank = x(site).shape.length;
  const [knownAxes, knownSteps] = [axes && constantIntegers(axes), steps && constantIntegers(steps)];
  if (!starts || typeof count !== "number" || (axes && !knownAxes) || (steps && !knownSteps))
    return undefined;
  const known = constantIntegers(starts);
  return Array.from({ length: count }, (_, i) => {
    const axis = knownAxes?.[i] ?? i;
    return { axis: wrapped(axis, rank), step: knownSteps?.[i] ?? 1, start: known?.[i] };
  });
}

/** Slice: back to where the elements were, zeros elsewhere. */
export function unslice(site: Site, s: Value): Value {
  const { b } = site;
  const back = (cutsOf(site) ?? []).reduce((v, { axis, start, step }, i) => {
    const [length, kept] = [sizeAt(b, x(site), axis), sizeAt(b, v, axis)];
    if (x(site).shape[axis] === v.shape[axis] && step === 1) return v;
    if (kept === 0) return padAxis(b, v, axis, 0, length);
    const given = start ?? b.op("Slice", [site.input(1), b.integers([i]), b.integers([i + 1])]);
    const first = firstPlace(b, given, length, step < 0 ? -1 : 0);
    const span = multiplySizes(b, addSizes(b, kept, -1), Math.abs(step));
    // A slice that runs backwards is one that runs forwards, mirrored.
    const begin = step < 0 ? subtractSizes(b, first, span) : first;
    const forward = step < 0 ? reversed(b, v, axis, kept) : v;
    const spaced = interleaveZeros(b, forward, axis, kept, Math.abs(step));
    const end = subtractSizes(b, subtractSizes(b, length, begin), addSizes(b, span, 1));
    return padAxis(b, spaced, axis, begin, end);
  }, s);
  return b.refine(back, x(site).shape);
}

/**
 * Where a slice begins, from 0 to the length; one that runs backwards begins at the last element at most.
 * @param last 0, or −1 for a slice that runs backwards
 */
function firstPlace(b: GraphBuilder, start: Size, length: Size, last: 0 | -1): Size {
  if (typeof start === "number") {
    // Where only the run knows the length, a start within the axis is taken for granted, as inference of sizes takes it.
    if (start < 0)
      return typeof length === "number" ? Math.max(0, length + start) : addSizes(b, length, start);
    if (typeof length === "number") return Math.min(start, length + last);
    return start < 2 ** 31 - 1 ? start : addSizes(b, length, last);
  }
  const ends = asVector(b, length);
  const isNegative = b.op("Less", [start, b.integers([0])]);
  const counted = b.op("Where", [isNegative, b.op("Add", [start, ends]), start]);
  const atLeast = b.op("Max", [counted, b.integers([0])]);
  return b.op("Min", [atLeast, asVector(b, addSizes(b, length, last))]);
}

/** v, last first along an axis. */
function reversed(b: GraphBuilder, v: Value, axis: number, length: Size): Value {
  if (typeof length === "number") return mirror(b, v, axis, length);
  // Not a Range that counts down to −1: ONNX Runtime makes it and the Gather a Slice that ends at −1, and is empty.
  const count = b.op("Squeeze", [length, b.integers([0])]);
  const last = b.op("Sub", [count, b.integer(1)]);
  const places = b.op("Sub", [last, b.op("Range", [b.integer(0), count, b.integer(1)])]);
  return b.op("Gather", [v, places], { axis: int(axis) });
}

/** step − 1 zeros between the elements along an axis. */
function interleaveZeros(b: GraphBuilder, v: Value, axis: number, length: Size, step: number): Value {
  if (step === 1) return v;
  const column = b.op("Unsqueeze", [v, b.integers([axis + 1])]);
  const spaced = padAxis(b, column, axis + 1, 0, step - 1);
  const target = sizesOf(b, v).with(axis, multiplySizes(b, length, step));
  const whole = b.op("Reshape", [spaced, vectorOf(b, target)]);
  return b.op("Slice", [whole, b.integers([0]), b.integers([1 - step]), b.integers([axis])]);
}

export const refusesOpenSlice = (site: Site): string | undefined =>
  cutsOf(site)
    ? undefined
    : "which axes it cuts is known only at run time: fix the image size with --size H,W";
