/** Small graph pieces about sizes that the operators share: reshape like, sum to, fit into, fill. */

import { float32Tensor } from "../../onnx/tensor.ts";
import { int, type AttributeOf, type Dim, type Shape, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { sureNumber } from "../../sure.ts";

const isKnown = (shape: Shape): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

/** Values joined along an axis; one alone is itself. */
export function sideBySide(b: GraphBuilder, parts: readonly Value[], axis: number): Value {
  const [only, ...more] = parts;
  return only && more.length === 0 ? only : b.op("Concat", parts, { axis: int(axis) });
}

/** An int64 vector of sizes: constant if all are known, else the unknown ones are read from `like` at run time. */
export function sizes(b: GraphBuilder, dims: Shape, like: Value): Value {
  if (isKnown(dims)) return b.integers(dims);
  const parts = dims.map((dim, axis) =>
    typeof dim === "number" ? b.integers([dim]) : sizeOfAxis(b, like, axis),
  );
  return sideBySide(b, parts, 0);
}

function sizeOfAxis(b: GraphBuilder, value: Value, axis: number): Value {
  return b.op("Shape", [value], { start: int(axis), end: int(axis + 1) });
}

/** A size: a number, or, where only a run knows it, an int64 vector of one. */
export type Size = number | Value;

/** The size of an axis. */
export function sizeAt(b: GraphBuilder, value: Value, axis: number): Size {
  const dim = value.shape[axis] as Dim;
  return typeof dim === "number" ? dim : sizeOfAxis(b, value, axis);
}

/** The sizes of all axes. */
export const sizesOf = (b: GraphBuilder, value: Value): Size[] =>
  value.shape.map((_, axis) => sizeAt(b, value, axis));

/** A size as an int64 vector of one. */
export const asVector = (b: GraphBuilder, size: Size): Value =>
  typeof size === "number" ? b.integers([size]) : size;

/** Sizes as an int64 vector. */
export function vectorOf(b: GraphBuilder, list: readonly Size[]): Value {
  if (list.every((size) => typeof size === "number")) return b.integers(list);
  const parts = list.map((size) => asVector(b, size));
  return sideBySide(b, parts, 0);
}

const onSizes =
  (opType: "Add" | "Sub" | "Mul", combine: (a: number, c: number) => number, neutral: number) =>
  (b: GraphBuilder, a: Size, c: Size): Size => {
    if (typeof a === "number" && typeof c === "number") return combine(a, c);
    return c === neutral ? a : b.op(opType, [asVector(b, a), asVector(b, c)]);
  };

/** Arithmetic on sizes, at run time where it must be. */
export const addSizes = onSizes("Add", (a, c) => a + c, 0);
export const subtractSizes = onSizes("Sub", (a, c) => a - c, 0);
export const multiplySizes = onSizes("Mul", (a, c) => a * c, 1);

const fillings = new Map<number, AttributeOf<"tensor">>();

/** A float32 tensor full of one number; unknown sizes are read from the same axes of `like`. */
export function filled(b: GraphBuilder, number: number, dims: Shape, like: Value): Value {
  let value = fillings.get(number);
  if (!value) fillings.set(number, (value = { type: "tensor", value: float32Tensor([number], [1]) }));
  return b.op("ConstantOfShape", [sizes(b, dims, like)], { value });
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** v in the shape of `like`, which has as many elements. */
export function reshapeLike(b: GraphBuilder, v: Value, like: Value): Value {
  if (sameShape(v.shape, like.shape)) return v;
  // 0 keeps an axis, and its name: ONNX Runtime reuses memory only between tensors whose open sizes have the same name.
  const target = like.shape.map((dim, axis) => {
    if (typeof dim === "number") return dim;
    return v.shape[axis] === dim ? 0 : -1;
  });
  const isOpen = target.filter((size) => size === -1).length > 1;
  return b.op("Reshape", [v, isOpen ? b.op("Shape", [like]) : b.integers(target)]);
}

/** v summed over the axes along which `like` was broadcast to v's shape: the transpose of broadcasting. */
export function sumTo(b: GraphBuilder, v: Value, like: Value): Value {
  const extra = v.shape.length - like.shape.length;
  const axes = v.shape.flatMap((dim, axis) =>
    axis < extra || (like.shape[axis - extra] === 1 && dim !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return v;
  const summed = b.op("ReduceSum", [v, b.integers(axes)], { keepdims: int(1) });
  return extra === 0 ? summed : b.op("Squeeze", [summed, b.integers(axes.filter((axis) => axis < extra))]);
}

/** v repeated to the sizes of `like`: along axes where v has size 1, or that v has not. */
export function expandLike(b: GraphBuilder, v: Value, like: Value): Value {
  if (sameShape(v.shape, like.shape)) return v;
  // Expand broadcasts both ways, so an axis that v has already may stay 1 in the target.
  const extra = like.shape.length - v.shape.length;
  const target = like.shape.map((dim, axis): Dim => (v.shape[axis - extra] === dim ? 1 : dim));
  return b.op("Expand", [v, sizes(b, target, like)]);
}

/** The sizes of the spatial axes (all after N and C), if they are fixed. */
export function spatialSizes(value: Value): readonly number[] | undefined {
  const spatial = value.shape.slice(2);
  return isKnown(spatial) ? spatial : undefined;
}

/**
 * A window of v [N, C, …] with the spatial sizes of `like`: result[j] = v[j + begin], zero where v has nothing.
 * @param begin for each spatial axis where the window starts in v; negative starts before v
 * @param slack how far the window may reach beyond v's end when sizes are known only at run time
 */
export function fit(b: GraphBuilder, v: Value, like: Value, begin: readonly number[], slack: number): Value {
  const want = spatialSizes(like);
  const have = spatialSizes(v);
  const end = begin.map((start, i) =>
    want && have ? start + sureNumber(want[i]) - sureNumber(have[i]) : slack,
  );
  const padded = pad(
    b,
    v,
    begin.map((start) => Math.max(0, -start)),
    end.map((over) => Math.max(0, over)),
  );
  const start = begin.map((offset) => Math.max(0, offset));
  const axes = begin.map((_, i) => i + 2);
  if (want && have) {
    if (start.every((offset) => offset === 0) && end.every((over) => over >= 0)) return padded;
    const stop = want.map((size, i) => sureNumber(start[i]) + size);
    return b.op("Slice", [padded, b.integers(start), b.integers(stop), b.integers(axes)]);
  }
  const size = b.op("Shape", [like], { start: int(2) });
  const stop = start.every((offset) => offset === 0) ? size : b.op("Add", [size, b.integers(start)]);
  return b.op("Slice", [padded, b.integers(start), stop, b.integers(axes)]);
}

/** The lowest number of float32. */
export const lowest = -3.4028234663852886e38;

/** v [N, C, …] with `begin` and `end` elements of `filling` added on each spatial axis. */
export function pad(
  b: GraphBuilder,
  v: Value,
  begin: readonly number[],
  end: readonly number[],
  filling = 0,
): Value {
  if (begin.every((n) => n === 0) && end.every((n) => n === 0)) return v;
  const pads = b.integers([0, 0, ...begin, 0, 0, ...end]);
  return b.op("Pad", filling === 0 ? [v, pads] : [v, pads, b.scalar(filling)]);
}
