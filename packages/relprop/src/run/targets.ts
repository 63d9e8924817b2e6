/**
 * Targets. A target is a tensor t of the output's shape, and relevance explains t · output: one class, several classes,
 * one class against another, or any region of an output (detection, segmentation, regression).
 */

import { OptionError } from "../errors.ts";
import type { FloatArray } from "./float-array.ts";
import type { Shape } from "../onnx/graph.ts";
import { indexAlong, sizeAlong, strideAlong } from "../onnx/axis.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { TargetRegion } from "../relevance/target-text.ts";
import { elementAt } from "../sure.ts";

/**
 * A class index for all samples, one for each sample, or a tensor of the output's shape, with or without its dims. A
 * class of a segmentation [N, classes, H, W] means the sum over all pixels.
 */
export type Target = number | readonly number[] | Float32Array | FloatArray;

/**
 * The target tensor for an output of the given shape, one-hot for class indices.
 * @throws OptionError if the target does not fit the output
 */
export function targetNumbers(
  target: Target,
  dims: readonly number[],
  { batchAxis, classAxis }: TargetAxes = { batchAxis: 0, classAxis: 1 },
): Float32Array {
  if (target instanceof Float32Array) return checkSize(target, dims);
  if (typeof target === "object" && "data" in target) {
    const isSame = target.dims.length === dims.length && target.dims.every((n, axis) => n === dims[axis]);
    if (!isSame) throw doesNotFit(`it has the shape [${target.dims.join(", ")}]`, dims);
    return checkSize(target.data, dims);
  }
  const batch = batchAxis === undefined ? 1 : (dims[batchAxis] ?? 1);
  const classes = classAxis === undefined ? 1 : (dims[classAxis] ?? 1);
  const indices = typeof target === "number" ? Array.from({ length: batch }, () => target) : target;
  if (indices.length !== batch) {
    throw new OptionError({
      what: "cannot use this target",
      why: `it names ${indices.length} classes for ${batch} samples`,
    });
  }
  for (const index of indices) checkIndex(index, classes);
  const along = (axis = dims.length): ((position: number) => number) =>
    indexAlong(dims, axis < dims.length ? axis : undefined);
  const [classAt, sampleAt] = [along(classAxis), along(batchAxis)];
  return Float32Array.from({ length: sizeOf(dims) }, (_, i) => (classAt(i) === indices[sampleAt(i)] ? 1 : 0));
}

/**
 * A target of zeros, for runs that only need the answer.
 * @param shape sizes of the explained tensor
 * @param open the size for symbolic axes other than the batch; 1 broadcasts. @default 1
 */
export function zeroTarget(
  shape: Shape,
  batchAxis: number | undefined,
  samples: number,
  open: number = 1,
): FloatArray {
  const dims = shape.map((size, axis) => {
    if (typeof size === "number") return size;
    return axis === batchAxis ? samples : open;
  });
  return { data: new Float32Array(sizeOf(dims)), dims };
}

/** Which axes of an output count samples and classes. */
export interface TargetAxes {
  readonly batchAxis: number | undefined;
  readonly classAxis: number | undefined;
}

function checkSize(data: Float32Array, dims: readonly number[]): Float32Array {
  if (data.length === sizeOf(dims)) return data;
  throw doesNotFit(`it has ${data.length} numbers`, dims);
}

const doesNotFit = (has: string, dims: readonly number[]): OptionError =>
  new OptionError({ what: "cannot use this target", why: `${has}, the output has [${dims.join(", ")}]` });

function checkIndex(index: number, classes: number): void {
  if (Number.isInteger(index) && index >= 0 && index < classes) return;
  throw new OptionError({
    what: `there is no class ${index}`,
    why: `the output has the classes 0 to ${classes - 1}`,
  });
}

/**
 * One class against all others: +1 on the class, −1/(classes − 1) on each other. It sums to 0, which cancels evidence that
 * all classes share (docs/rules.md §6).
 * @param index the class, the same for all samples
 * @param count samples N
 * @returns [N, classes]
 */
export function contrastTarget(classes: number, index: number, count: number = 1): FloatArray {
  checkIndex(index, classes);
  if (classes < 2) {
    throw new OptionError({
      what: "cannot contrast a class with the others",
      why: `there is only ${classes}`,
      fix: "give the class itself as the target",
    });
  }
  const row = Float32Array.from({ length: classes }, (_, i) => (i === index ? 1 : -1 / (classes - 1)));
  return rows(row, count);
}

/**
 * Why class A rather than B: +1 on A, −1 on B. Relevance explains the difference of the two outputs.
 * @param count samples N
 * @returns [N, classes]
 */
export function ratherThanTarget(
  classes: number,
  index: number,
  other: number,
  count: number = 1,
): FloatArray {
  checkIndex(index, classes);
  checkIndex(other, classes);
  if (index === other) {
    throw new OptionError({
      what: `cannot explain class ${index} rather than class ${other}`,
      why: "they are the same",
      fix: "name another class",
    });
  }
  const row = new Float32Array(classes);
  row[index] = 1;
  row[other] = -1;
  return rows(row, count);
}

function rows(row: Float32Array, count: number): FloatArray {
  const data = new Float32Array(row.length * count);
  for (let sample = 0; sample < count; sample++) data.set(row, sample * row.length);
  return { data, dims: [count, row.length] };
}

/**
 * Ones at the given places of an output of any shape, zeros elsewhere. Relevance explains the sum over these places.
 *
 * ```ts
 * maskTarget([1, 84, 8400], [[0, 4 + 16, 1234]]);   // YOLO: class 16 of box 1234
 * maskTarget([1, 21, 64, 64], [[0, 15]]);           // segmentation: class 15, all pixels
 * maskTarget([2, 1], [[0, 0], [1, 0]]);             // regression: the number itself, both samples
 * ```
 *
 * @param dims the output's shape
 * @param indices places, sample first; a place with fewer indices than axes includes all elements below it
 * @throws OptionError if a place lies outside
 */
export function maskTarget(dims: readonly number[], indices: readonly (readonly number[])[]): FloatArray {
  const data = new Float32Array(sizeOf(dims));
  for (const place of indices) {
    const isInside = place.every((n, axis) => Number.isInteger(n) && n >= 0 && n < (dims[axis] ?? 0));
    if (!isInside) {
      throw new OptionError({
        what: `there is no output [${place.join(", ")}]`,
        why: `the output has the shape [${dims.join(", ")}]`,
      });
    }
    const below = sizeOf(dims.slice(place.length));
    const start = place.reduce((offset, n, axis) => offset + n * strideAlong(dims, axis), 0);
    data.fill(1, start, start + below);
  }
  return { data, dims };
}

/**
 * As {@link maskTarget}, for regions of the output: see {@link parseTarget}.
 * @param regions a range for each axis
 */
export function regionTarget(dims: readonly number[], regions: readonly TargetRegion[]): FloatArray {
  const data = new Float32Array(sizeOf(dims));
  for (const region of regions) fillRegion(data, dims, region, 0, 0);
  return { data, dims };
}

function fillRegion(
  data: Float32Array,
  dims: readonly number[],
  region: TargetRegion,
  axis: number,
  start: number,
): void {
  if (axis === dims.length) {
    data[start] = elementAt(data, start) + 1;
    return;
  }
  const stride = strideAlong(dims, axis);
  const { from, to } = region[axis] ?? { from: 0, to: sizeAlong(dims, axis) - 1 };
  for (let i = from; i <= to; i++) fillRegion(data, dims, region, axis + 1, start + i * stride);
}
