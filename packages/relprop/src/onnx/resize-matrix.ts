/**
 * Resize along one axis as a matrix, y = A x, in the arithmetic of ONNX Runtime's kernels: their coordinates are
 * float32, and a coordinate that comes out a little below a half picks another neighbour.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators.md#Resize
 */

import { numberAttribute, stringAttribute, type Node } from "./graph.ts";
import { sure } from "../sure.ts";

/** How coordinates of the result become coordinates of the input. */
const transformations = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"] as const;
/** Which neighbour is the nearest. */
const nearestModes = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

/** What the attributes of a Resize (opset 13) say of every axis that it changes. */
export interface Resampling {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly transformation: (typeof transformations)[number];
  readonly nearestMode: (typeof nearestModes)[number];
  /** The coefficient a of the cubic kernel. */
  readonly cubicCoefficient: number;
  /** Whether weights beyond the border are left out, and the others scaled to sum to 1 (cubic). */
  readonly excludesOutside: boolean;
}

/** Sizes of an axis before and after, and the factor that turns coordinates of one into the other. */
export interface Scaling {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
}

const isOneOf = <T extends string>(value: string, all: readonly T[]): value is T =>
  (all as readonly string[]).includes(value);

/** The attributes of a Resize, or undefined if it crops (tf_crop_and_resize) or an attribute has no such value. */
export function resamplingOf(node: Node): Resampling | undefined {
  const mode = stringAttribute(node, "mode", "nearest");
  const transformation = stringAttribute(node, "coordinate_transformation_mode", "half_pixel");
  const nearestMode = stringAttribute(node, "nearest_mode", "round_prefer_floor");
  if (!isOneOf(mode, ["nearest", "linear", "cubic"])) return undefined;
  if (!isOneOf(transformation, transformations) || !isOneOf(nearestMode, nearestModes)) return undefined;
  return {
    mode,
    transformation,
    nearestMode,
    cubicCoefficient: numberAttribute(node, "cubic_coeff_a", -0.75),
    excludesOutside: numberAttribute(node, "exclude_outside", 0) === 1,
  };
}

const f32 = Math.fround;

/** The coordinate in the input that element i of the result lies at. */
function coordinate(i: number, { input, output, scale }: Scaling, how: Resampling["transformation"]): number {
  if (scale === 1 && input === output) return i;
  switch (how) {
    case "half_pixel":
      return f32(f32(f32(i + 0.5) / f32(scale)) - 0.5);
    case "pytorch_half_pixel":
      return output > 1 ? f32(f32(f32(i + 0.5) / f32(scale)) - 0.5) : 0;
    case "align_corners":
      return output > 1 ? f32(f32(i * (input - 1)) / f32(output - 1)) : 0;
    case "asymmetric":
      return f32(i / f32(scale));
  }
}

function nearest(at: number, how: Resampling["nearestMode"]): number {
  switch (how) {
    case "round_prefer_floor":
      return at === Math.trunc(at) + 0.5 ? Math.floor(at) : Math.round(at);
    case "round_prefer_ceil":
      return Math.round(at);
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
  }
}

/** The cubic convolution kernel of Keys 1981 at a distance. */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

const clamp = (at: number, length: number): number => Math.min(Math.max(at, 0), length - 1);

/** Places in the input and their weights, for element i of the result. */
function tapsOf(
  i: number,
  how: Resampling,
  scaling: Scaling,
): readonly (readonly [place: number, weight: number])[] {
  const at = coordinate(i, scaling, how.transformation);
  const { input } = scaling;
  if (how.mode === "nearest") return [[clamp(nearest(at, how.nearestMode), input), 1]];
  if (how.mode === "linear") {
    const inside = clamp(at, input);
    const low = Math.floor(inside);
    return [
      [low, 1 - (inside - low)],
      [clamp(low + 1, input), inside - low],
    ];
  }
  const low = Math.floor(at);
  const taps = [-1, 0, 1, 2].map((k): readonly [number, number] => [
    low + k,
    cubic(at - low - k, how.cubicCoefficient),
  ]);
  if (!how.excludesOutside) return taps.map(([place, weight]) => [clamp(place, input), weight]);
  const within = taps.filter(([place]) => place >= 0 && place < input);
  const total = within.reduce((sum, [, weight]) => sum + weight, 0);
  return within.map(([place, weight]) => [place, weight / total]);
}

/** A [output, input], row-major: y = A x along the axis. */
export function resizeMatrix(how: Resampling, scaling: Scaling): Float32Array {
  const { input, output } = scaling;
  const matrix = new Float64Array(output * input);
  for (let i = 0; i < output; i++) {
    for (const [place, weight] of tapsOf(i, how, scaling)) {
      const at = i * input + place;
      matrix[at] = sure(matrix[at]) + weight;
    }
  }
  return Float32Array.from(matrix);
}

/** Whether element i of the result is a copy of element ⌊i / factor⌋ of the input, for every i. */
export function isRepeating(how: Resampling, scaling: Scaling, factor: number): boolean {
  for (let i = 0; i < scaling.output; i++) {
    const taps = tapsOf(i, how, scaling);
    if (taps.length !== 1 || taps[0]?.[0] !== Math.floor(i / factor)) return false;
  }
  return true;
}

/** Aᵀ without its zeros: each row as places and weights, filled up to the same number of them with weight 0. */
export interface SparseRows {
  /** How many places a row has. */
  readonly width: number;
  /** Row by row. */
  readonly places: Int32Array;
  readonly weights: Float32Array;
}

/** Aᵀ [input, output] by its elements that are not zero: input·width numbers, where {@link resizeMatrix} has input·output. */
export function resizeRowsBack(how: Resampling, scaling: Scaling): SparseRows {
  const { input, output } = scaling;
  const counts = new Int32Array(input);
  for (let i = 0; i < output; i++)
    for (const [place] of tapsOf(i, how, scaling)) counts[place] = sure(counts[place]) + 1;
  const width = counts.reduce((most, count) => Math.max(most, count), 1);
  const [places, weights] = [new Int32Array(input * width), new Float32Array(input * width)];
  counts.fill(0);
  for (let i = 0; i < output; i++) {
    for (const [place, weight] of tapsOf(i, how, scaling)) {
      const at = place * width + sure(counts[place]);
      counts[place] = sure(counts[place]) + 1;
      places[at] = i;
      weights[at] = weight;
    }
  }
  return { width, places, weights };
}
