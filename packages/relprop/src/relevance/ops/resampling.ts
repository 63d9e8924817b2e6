/**
 * Resize: a linear map along each axis, y = A x, and its transpose, one matrix product an axis. Where a size is open the
 * matrix is computed at run time, by the formula of its elements.
 */

import { int, ints, stringAttribute, type Node, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import {
  isRepeating,
  resamplingOf,
  resizeMatrix,
  resizeRowsBack,
  type Resampling,
  type Scaling,
  type SparseRows,
} from "../../onnx/resize-matrix.ts";
import { numbersOf, tensorFrom } from "../../onnx/tensor.ts";
import { x, y, type Site } from "../site.ts";
import { sumCopies } from "./blocks.ts";
import type { Ranged } from "./ranges.ts";
import { asVector, sizeAt, sizes, subtractSizes, type Size } from "./shapes.ts";
import { checkSize } from "../../size-limit.ts";
import { sure } from "../../sure.ts";

const [scalesInput, sizesInput] = [2, 3];
const float32 = 1;

/** Nearest neighbours are copies; linear and cubic interpolation weighs several. */
export const resizeForm = (node: Pick<Node, "attributes">): "nearest" | "weighted" =>
  stringAttribute(node as Node, "mode", "nearest") === "nearest" ? "nearest" : "weighted";

/** One axis that a Resize changes. */
interface Change {
  readonly axis: number;
  readonly input: Size;
  readonly output: Size;
  /** Undefined: the quotient of the sizes. */
  readonly scale: number | Value | undefined;
}

/** The axes that are changed, as far as the graph knows; the others stay as they are. */
function changedAxes(site: Site): number[] {
  const scales = knownScales(site);
  return x(site).shape.flatMap((dim, axis) => {
    const isScaled = site.inputs[sizesInput] === undefined && scales?.[axis] !== 1;
    return dim === y(site).shape[axis] && !isScaled ? [] : [axis];
  });
}

function knownScales(site: Site): readonly number[] | undefined {
  const constant = site.inputs[scalesInput]?.constant;
  return constant && Array.from(numbersOf(constant));
}

function changeOf(site: Site, axis: number): Change {
  const { b, inputs } = site;
  const scales = inputs[sizesInput] ? undefined : inputs[scalesInput];
  const scale =
    scales &&
    (knownScales(site)?.[axis] ?? b.op("Slice", [scales, b.integers([axis]), b.integers([axis + 1])]));
  return { axis, input: sizeAt(b, x(site), axis), output: sizeAt(b, y(site), axis), scale };
}

/** Resize by nearest neighbours or by weights: Aᵀ along each axis that it changes. */
export function unresize(site: Site, s: Value): Value {
  const how = resamplingOf(site.node) as Resampling;
  const changes = changedAxes(site).map((axis) => changeOf(site, axis));
  for (const { input, output } of changes)
    if (typeof input === "number" && typeof output === "number")
      checkSize(site.node, input + output, "weights");
  const factors = changes.map((change) => repeats(how, change));
  if (factors.every((factor) => factor !== undefined)) {
    const counts = x(site).shape.map((_, axis) => factors[changes.findIndex((c) => c.axis === axis)] ?? 1);
    return sumCopies(site, s, counts, true);
  }
  const back = changes.reduce((v, change) => {
    const scaling = scalingOf(change);
    return scaling && scaling.input * scaling.output > densest
      ? bySparseRows(site, v, resizeRowsBack(how, scaling), change.axis)
      : alongAxis(site.b, v, matrixOf(site.b, how, change), change.axis);
  }, s);
  return site.b.refine(back, x(site).shape);
}

/** The elements of the largest matrix that is written out: a product by it is the fastest way on CPUs as long as it is small. */
const densest = 2 ** 22;

/** The sizes of a change, if they are known. */
function scalingOf({ input, output, scale }: Change): Scaling | undefined {
  const isKnown = typeof input === "number" && typeof output === "number" && typeof scale !== "object";
  return isKnown ? { input, output, scale: scale ?? output / input } : undefined;
}

/** v [.., output, ..] -> [.., input, ..]: each element is a weighed sum of the few that it went to. */
function bySparseRows(site: Site, v: Value, { width, places, weights }: SparseRows, axis: number): Value {
  const { b } = site;
  checkSize(site.node, places.length, "weights");
  const input = places.length / width;
  const after = v.shape.length - axis - 1;
  const from = b.constant(sure(tensorFrom("int32", places, [places.length])), "places");
  const gathered = b.op("Gather", [v, from], { axis: int(axis) });
  const apart = [...v.shape.slice(0, axis), input, width, ...v.shape.slice(axis + 1)];
  const rows = b.op("Reshape", [gathered, sizes(b, apart, v)]);
  const dims = [input, width, ...Array.from({ length: after }, () => 1)];
  const weighed = b.op("Mul", [rows, b.constant(sure(tensorFrom("float32", weights, dims)), "weights")]);
  return b.op("ReduceSum", [weighed, b.integers([axis + 1])], { keepdims: int(0) });
}

/** How often each element is repeated, all copies side by side; undefined if it is not so. */
function repeats(how: Resampling, { input, output, scale }: Change): number | undefined {
  if (how.mode !== "nearest") return undefined;
  if (typeof input === "number" && typeof output === "number") {
    const factor = output / input;
    if (!Number.isInteger(factor)) return undefined;
    const scaling = { input, output, scale: typeof scale === "number" ? scale : factor };
    return isRepeating(how, scaling, factor) ? factor : undefined;
  }
  if (typeof scale !== "number" || !Number.isInteger(scale) || scale < 1) return undefined;
  const { transformation, nearestMode } = how;
  const fromCorner = transformation === "asymmetric" && nearestMode === "floor";
  const fromCentre = transformation.endsWith("half_pixel") && nearestMode.startsWith("round");
  return fromCorner || fromCentre ? scale : undefined;
}

/** v [.., output, ..] -> [.., input, ..]: v times A [output, input] along an axis. */
function alongAxis(b: GraphBuilder, v: Value, matrix: Value, axis: number): Value {
  const last = v.shape.length - 1;
  if (axis === last) return b.op("MatMul", [v, matrix]);
  if (axis === last - 1) return b.op("MatMul", [b.op("Transpose", [matrix], { perm: ints([1, 0]) }), v]);
  const perm = v.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
  const turned = b.op("MatMul", [b.op("Transpose", [v], { perm: ints(perm) }), matrix]);
  return b.op("Transpose", [turned], { perm: ints(perm) });
}

function matrixOf(b: GraphBuilder, how: Resampling, change: Change): Value {
  const scaling = scalingOf(change);
  if (scaling) return b.numbers(Array.from(resizeMatrix(how, scaling)), [scaling.output, scaling.input]);
  const { input } = change;
  const at = coordinates(b, how, change);
  const last = asFloat(b, subtractSizes(b, input, 1));
  const inside = (v: Value): Value => b.op("Min", [b.op("Max", [v, b.scalar(0)]), last]);
  const column = (v: Value): Value => b.op("Unsqueeze", [v, b.integers([1])]);
  const places = countUp(b, input);
  if (how.mode === "nearest") {
    return b.op("Cast", [b.op("Equal", [column(inside(nearest(b, at, how))), places])], { to: int(float32) });
  }
  // A tent around each coordinate: 1 − distance, 0 beyond its two neighbours.
  const distance = b.op("Abs", [b.op("Sub", [column(inside(at)), places])]);
  return b.op("Relu", [b.op("Sub", [b.scalar(1), distance])]);
}

const asFloat = (b: GraphBuilder, size: Size): Value =>
  typeof size === "number" ? b.scalar(size) : b.op("Cast", [size], { to: int(float32) });

/** 0, 1, 2 … as float32. */
function countUp(b: GraphBuilder, length: Size): Value {
  const end = b.op("Squeeze", [asVector(b, length), b.integers([0])]);
  return b.op("Cast", [b.op("Range", [b.integer(0), end, b.integer(1)])], { to: int(float32) });
}

/** The input coordinate of each element of the result, with ONNX Runtime's order of operations and rounding. */
function coordinates(
  b: GraphBuilder,
  { transformation }: Resampling,
  { input, output, scale }: Change,
): Value {
  const i = countUp(b, output);
  if (transformation === "align_corners") {
    const [reach, steps] = [input, output].map((size) => asFloat(b, subtractSizes(b, size, 1))) as [
      Value,
      Value,
    ];
    return b.op("Div", [b.op("Mul", [i, reach]), b.op("Max", [steps, b.scalar(1)])]);
  }
  const factor =
    typeof scale === "number"
      ? b.scalar(scale)
      : (scale ?? b.op("Div", [asFloat(b, output), asFloat(b, input)]));
  if (transformation === "asymmetric") return b.op("Div", [i, factor]);
  const centre = b.scalar(0.5);
  const at = b.op("Sub", [b.op("Div", [b.op("Add", [i, centre]), factor]), centre]);
  if (transformation === "half_pixel") return at;
  // PyTorch puts a single element on the first.
  const isSingle = b.op("Less", [asFloat(b, output), b.scalar(1.5)]);
  return b.op("Where", [isSingle, b.scalar(0), at]);
}

function nearest(b: GraphBuilder, at: Value, { nearestMode }: Resampling): Value {
  switch (nearestMode) {
    case "floor":
      return b.op("Floor", [at]);
    case "ceil":
      return b.op("Ceil", [at]);
    case "round_prefer_floor":
      return b.op("Ceil", [b.op("Sub", [at, b.scalar(0.5)])]);
    case "round_prefer_ceil":
      return b.op("Floor", [b.op("Add", [at, b.scalar(0.5)])]);
  }
}

/** Linear interpolation has weights from 0 to 1, cubic also negative ones. */
export const isResizeNonNegative = (site: Site): boolean =>
  resamplingOf(site.node)?.mode === "linear" && site.isNonNegative(x(site));

/** Weights from 0 to 1 that add up to 1 stay between the elements that they weigh. */
export const weighedRange: Ranged = ([weighed], node) =>
  resamplingOf(node)?.mode === "linear" ? weighed : undefined;

export function refusesResize(site: Site): string | undefined {
  const how = resamplingOf(site.node);
  if (!how) return "it crops (tf_crop_and_resize): export the model with Slice before a plain Resize";
  const open = changedAxes(site).filter(
    (axis) => typeof x(site).shape[axis] !== "number" || typeof y(site).shape[axis] !== "number",
  );
  if (how.mode !== "cubic" || open.length === 0) return undefined;
  return "its cubic weights depend on sizes that only the run knows: fix the image size with --size H,W";
}
