/** Slice: starts, ends, steps with numpy's clamping, and what of it holds for symbolic sizes. */

import { wrapped } from "../axis.ts";
import type { Dim } from "../graph.ts";
import { integersIn, picked, sourceIndices, stridesOf } from "./evaluating.ts";
import {
  axisOf,
  contradiction,
  elementsOf,
  freshDim,
  freshShape,
  input,
  numbersIn,
  withElements,
} from "./inferring.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";
import { plus } from "./sizes.ts";

/** "As far as it goes": exporters write INT_MAX or INT64_MAX, and tf2onnx 10⁹. */
const unbounded = 1e9;

interface Range {
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** First index and count along an axis of known size. */
function indicesOf(size: number, start: number, end: number, step: number): { first: number; count: number } {
  const first = step > 0 ? clamp(wrapped(start, size), 0, size) : clamp(wrapped(start, size), 0, size - 1);
  const last = step > 0 ? clamp(wrapped(end, size), 0, size) : clamp(wrapped(end, size), -1, size - 1);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

/** The count along an axis of symbolic size, where it does not depend on how large the size is; else undefined. */
function symbolicCount(size: string, { start, end, step }: Range): Dim | undefined {
  if (step === -1)
    return end !== undefined && typeof end === "number" && end < -unbounded && start === -1
      ? size
      : undefined;
  if (step !== 1) return undefined;
  const toTheEnd = end === size || (typeof end === "number" && end >= unbounded);
  if (typeof start !== "number") return undefined;
  if (toTheEnd) return start >= 0 ? plus(size, -start) : start === -1 ? 1 : undefined;
  if (typeof end === "number" && end < 0) return start >= 0 ? plus(size, end - start) : end - start;
  // A part of known length; the model relies on the size being at least that.
  if (typeof end === "number" && end >= 0 && start >= 0) return start === 0 && end === 1 ? 1 : undefined;
  return typeof end === "string" && start === 0 ? end : undefined;
}

export const slice: ShapeRule = (node, inputs) => {
  const info = input(node, inputs, 0);
  const { dataType, shape } = info;
  const starts = elementsOf(input(node, inputs, 1));
  const ends = elementsOf(input(node, inputs, 2));
  const axes = inputs[3] ? numbersIn(inputs[3]) : starts?.map((_, i) => i);
  const steps = inputs[4] ? numbersIn(inputs[4]) : starts?.map(() => 1);
  if (!axes) return [{ dataType, shape: freshShape(node, shape.length) }];
  const out: Dim[] = [...shape];
  let elements = elementsOf(info);
  for (const [i, given] of axes.entries()) {
    const axis = axisOf(node, given, shape.length);
    const size = shape[axis] ?? 1;
    const range = { start: starts?.[i], end: ends?.[i], step: steps?.[i] };
    const { start, end, step } = range;
    let count: Dim | undefined;
    if (step === 0) throw contradiction(node, "its step is 0");
    if (start === undefined || end === undefined || step === undefined) {
      elements = undefined;
    } else if (typeof size === "number" && typeof start === "number" && typeof end === "number") {
      const indices = indicesOf(size, start, end, step);
      count = indices.count;
      const from = elements;
      elements =
        from && Array.from({ length: indices.count }, (_, k) => from[indices.first + k * step] ?? Number.NaN);
    } else {
      elements = undefined;
      count = typeof size === "string" ? symbolicCount(size, { start, end, step }) : undefined;
    }
    out[axis] = count ?? freshDim(node, axis);
  }
  return [withElements(dataType, out, shape.length === 1 ? elements : undefined)];
};

const sliced: Evaluate = ({ inputs: [x, starts, ends, axes, steps], dims }) => {
  const begins = integersIn(starts);
  if (!x || !begins || !ends) return undefined;
  const strides = stridesOf(x.dims);
  let start = 0;
  const along = [...strides];
  for (const [i, begin] of begins.entries()) {
    const axis = wrapped(integersIn(axes)?.[i] ?? i, x.dims.length);
    const size = x.dims[axis] ?? 1;
    const step = integersIn(steps)?.[i] ?? 1;
    const { first } = indicesOf(size, begin, 0, step);
    start += first * (strides[axis] ?? 0);
    along[axis] = (strides[axis] ?? 0) * step;
  }
  return picked(x, dims, sourceIndices(dims, along, start));
};

export const slicing: Operators = { Slice: { shape: slice, evaluate: sliced } };
