/** Operators that move elements without changing them, and the moves that undo them. */

import {
  int,
  ints,
  intsAttribute,
  numberAttribute,
  stringAttribute,
  type Value,
  type DataType,
} from "../../onnx/graph.ts";
import { constantIntegers } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { x, type Site } from "../row-kinds.ts";
import { reshapeLike } from "./shapes.ts";

/** Identity, Dropout. */
export const unchanged = (_site: Site, s: Value): Value => s;

/** Codes of ONNX's floating-point types (TensorProto.DataType). */
const floatTypes: Partial<Record<DataType, number>> = { float32: 1, float16: 10, float64: 11, bfloat16: 16 };

/** Cast between floating-point types: back to the type it came from. */
export const uncast = (site: Site, s: Value): Value =>
  site.b.op("Cast", [s], { to: int(floatTypes[x(site).dataType] ?? 1) });

export function refusesCast(site: Site): string | undefined {
  const [from, to] = [x(site).dataType, (site.outputs[0] as Value).dataType];
  const isFloat = floatTypes[from] !== undefined && floatTypes[to] !== undefined;
  return isFloat ? undefined : `it turns ${from} into ${to}, and a step has no slope to send relevance along`;
}

/** Reshape, Flatten, Squeeze, Unsqueeze. */
export const unreshape = (site: Site, s: Value): Value => reshapeLike(site.b, s, x(site));

export function untranspose(site: Site, s: Value): Value {
  const rank = x(site).shape.length;
  const perm = intsAttribute(site.node, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return site.b.op("Transpose", [s], { perm: ints(inverse) });
}

const axisOf = (site: Site, orElse: number): number => {
  const axis = numberAttribute(site.node, "axis", orElse);
  return axis < 0 ? axis + x(site).shape.length : axis;
};

/** Concat: each input takes its own stretch of the axis. */
export function unconcat(site: Site, s: Value, input: number): Value {
  const { b } = site;
  const axis = axisOf(site, 0);
  const before = lengthAlong(b, site.inputs.slice(0, input) as Value[], axis);
  const through = lengthAlong(b, site.inputs.slice(0, input + 1) as Value[], axis);
  return b.op("Slice", [s, before, through, b.integers([axis])]);
}

/** The total length of values along an axis, as an int64 vector of one. */
function lengthAlong(b: GraphBuilder, values: readonly Value[], axis: number): Value {
  const lengths = values.map((value) => value.shape[axis]);
  if (lengths.every((n) => typeof n === "number"))
    return b.integers([(lengths as number[]).reduce((a, n) => a + n, 0)]);
  const parts = values.map((value) => b.op("Shape", [value], { start: int(axis), end: int(axis + 1) }));
  return parts.reduce((a, c) => b.op("Add", [a, c]));
}

/** Split: the parts side by side again. */
export const unsplit = (site: Site, parts: readonly Value[]): Value =>
  parts.length === 1 ? (parts[0] as Value) : site.b.op("Concat", parts, { axis: int(axisOf(site, 0)) });

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  /** Elements that the slice keeps. */
  readonly kept: number;
  readonly length: number;
}

/** What a Slice does to each axis it names, if that is known when the graph is compiled. */
function cutsOf(site: Site): readonly Cut[] | undefined {
  const [, starts, ends, axes, steps] = site.inputs.map((input) => input && constantIntegers(input));
  const shape = x(site).shape;
  if (!starts || !ends || (site.inputs[3] && !axes) || (site.inputs[4] && !steps)) return undefined;
  const cuts: Cut[] = [];
  for (const [i, first] of starts.entries()) {
    const named = axes?.[i] ?? i;
    const axis = named < 0 ? named + shape.length : named;
    const step = steps?.[i] ?? 1;
    const length = shape[axis];
    if (step === 1 && first === 0 && (ends[i] as number) >= 2 ** 31 - 1) continue;
    if (typeof length !== "number") return undefined;
    const clamp = (at: number): number =>
      Math.min(Math.max(at < 0 ? at + length : at, step < 0 ? -1 : 0), step < 0 ? length - 1 : length);
    const start = clamp(first);
    const kept = Math.max(0, Math.ceil((clamp(ends[i] as number) - start) / step));
    cuts.push({ axis, start, step, kept, length });
  }
  return cuts;
}

/** Slice: back to where the elements were, zeros elsewhere. */
export function unslice(site: Site, s: Value): Value {
  const { b } = site;
  const rank = x(site).shape.length;
  return (cutsOf(site) ?? []).reduce((v, cut) => {
    // A slice that runs backwards is one that runs forwards, mirrored.
    const first = cut.step < 0 ? cut.start + (cut.kept - 1) * cut.step : cut.start;
    const forward = cut.step < 0 ? mirror(b, v, cut) : v;
    const spaced = interleaveZeros(b, forward, cut.axis, cut.kept, Math.abs(cut.step));
    const span = cut.kept * Math.abs(cut.step);
    const pads = Array.from({ length: 2 * rank }, () => 0);
    pads[cut.axis] = first;
    pads[rank + cut.axis] = Math.max(0, cut.length - first - span);
    const padded = pads.every((n) => n === 0) ? spaced : b.op("Pad", [spaced, b.integers(pads)]);
    if (first + span <= cut.length) return padded;
    return b.op("Slice", [padded, b.integers([0]), b.integers([cut.length]), b.integers([cut.axis])]);
  }, s);
}

function mirror(b: GraphBuilder, v: Value, cut: Cut): Value {
  const backwards = Array.from({ length: cut.kept }, (_, i) => cut.kept - 1 - i);
  return b.op("Gather", [v, b.integers(backwards)], { axis: int(cut.axis) });
}

/** step − 1 zeros after every element along an axis. */
function interleaveZeros(b: GraphBuilder, v: Value, axis: number, length: number, step: number): Value {
  if (step === 1) return v;
  const column = b.op("Unsqueeze", [v, b.integers([axis + 1])]);
  const pads = Array.from({ length: 2 * column.shape.length }, () => 0);
  pads[column.shape.length + axis + 1] = step - 1;
  const spaced = b.op("Pad", [column, b.integers(pads)]);
  // Reshape's 0 keeps a size: everything before the axis stays, and the axes after it are known or the last unknown.
  const after = v.shape.slice(axis + 1);
  if (after.every((n) => typeof n === "number")) {
    return b.op("Reshape", [
      spaced,
      b.integers([...v.shape.slice(0, axis).map(() => 0), length * step, ...(after as number[])]),
    ]);
  }
  const tail = b.op("Shape", [v], { start: int(axis + 1) });
  const head = b.integers([...v.shape.slice(0, axis).map(() => 0), length * step]);
  return b.op("Reshape", [spaced, b.op("Concat", [head, tail], { axis: int(0) })]);
}

export function refusesOpenSlice(site: Site): string | undefined {
  return cutsOf(site)
    ? undefined
    : "where it cuts is known only at run time: fix the image size with --size H,W";
}

/** Pad with a constant: the border is cut off again. */
export function unpad(site: Site, s: Value): Value {
  const { b } = site;
  const pads = constantIntegers(site.inputs[1] as Value) ?? [];
  const rank = x(site).shape.length;
  const axes = x(site).shape.flatMap((_, axis) =>
    pads[axis] !== 0 || pads[rank + axis] !== 0 ? [axis] : [],
  );
  if (axes.length === 0) return s;
  const starts = axes.map((axis) => pads[axis] as number);
  const ends = axes.map((axis) => {
    const end = pads[rank + axis] as number;
    return end === 0 ? Number.MAX_SAFE_INTEGER : -end;
  });
  return b.op("Slice", [s, b.integers(starts), b.integers(ends), b.integers(axes)]);
}

export function refusesPad(site: Site): string | undefined {
  const mode = stringAttribute(site.node, "mode", "constant");
  if (mode !== "constant")
    return `it pads by "${mode}", which repeats elements: only constant padding is explained`;
  const pads = site.inputs[1] && constantIntegers(site.inputs[1]);
  if (!pads) return "its pads are known only at run time: fix the image size with --size H,W";
  return pads.some((n) => n < 0) ? "it crops by negative pads: export the model with Slice" : undefined;
}
