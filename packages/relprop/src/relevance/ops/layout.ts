/** Operators that move elements without changing them, and the moves that undo them. */

import { wrapped } from "../../onnx/axis.ts";
import { int, ints, intsAttribute, numberAttribute, type Value, type DataType } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { isFloat } from "../../onnx/tensor.ts";
import { x, type Site } from "../site.ts";
import { reshapeLike, sideBySide } from "./shapes.ts";

/** Identity, Dropout. */
export const unchanged = (_site: Site, s: Value): Value => s;

/** Codes of ONNX's floating-point types (TensorProto.DataType). */
const floatTypes: Partial<Record<DataType, number>> = { float32: 1, float16: 10, float64: 11, bfloat16: 16 };

/**
 * Cast between floating-point types: back to the type it came from. Relevance of half-precision and of whole numbers stays
 * float32, since these types cannot tell small relevance from none.
 */
export function uncast(site: Site, s: Value): Value {
  const { dataType } = x(site);
  const isHalf = dataType === "float16" || dataType === "bfloat16";
  const isKept = isHalf || (s.dataType === "float32" && !isFloat(dataType));
  return isKept ? s : site.b.op("Cast", [s], { to: int(floatTypes[dataType] ?? 1) });
}

/** Numbers keep their values in another type; only those that are cut off to whole ones, or to yes and no, make steps. */
export function refusesCast(site: Site): string | undefined {
  const [from, to] = [x(site).dataType, site.output(0).dataType];
  const isSlope = isFloat(to) || (!isFloat(from) && to !== "bool");
  return isSlope ? undefined : `it turns ${from} into ${to}, and a step has no slope to send relevance along`;
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
  return wrapped(axis, x(site).shape.length);
};

/** Concat: each input takes its own stretch of the axis. */
export function unconcat(site: Site, s: Value, input: number): Value {
  const { b } = site;
  const axis = axisOf(site, 0);
  const joined = Array.from({ length: input + 1 }, (_, each) => site.input(each));
  const before = lengthAlong(b, joined.slice(0, -1), axis);
  const through = lengthAlong(b, joined, axis);
  return b.op("Slice", [s, before, through, b.integers([axis])]);
}

/** The total length of values along an axis, as an int64 vector of one. */
function lengthAlong(b: GraphBuilder, values: readonly Value[], axis: number): Value {
  const lengths = values.map((value) => value.shape[axis]);
  if (lengths.every((n) => typeof n === "number")) return b.integers([lengths.reduce((a, n) => a + n, 0)]);
  const parts = values.map((value) => b.op("Shape", [value], { start: int(axis), end: int(axis + 1) }));
  return parts.reduce((a, c) => b.op("Add", [a, c]));
}

/** Split: the parts side by side again. */
export const unsplit = (site: Site, parts: readonly Value[]): Value =>
  sideBySide(site.b, parts, axisOf(site, 0));
