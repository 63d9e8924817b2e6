/**
 * Images read at computed places (GridSample, RoiAlign): each number weighs up to four neighbours of a place, and its relevance
 * goes back to them. Places count as constants.
 *
 *     y_q = Σ_k w_qk x_(i_qk)        R_i = Σ_(q, k: i_qk = i) w_qk s_q
 *
 * Samples and places are one axis here, [N·H·W, C], so that each neighbour adds one row.
 */

import { int, ints, numberAttribute, string, stringAttribute, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { x, type Site } from "../site.ts";
import { filled, multiplySizes, reshapeLike, sizeAt, type Size } from "./shapes.ts";

const [float32, int64] = [1, 7];

/** A neighbour along one axis: an index inside of the image, and a weight, 0 where there is none. */
interface Neighbour {
  readonly index: Value;
  readonly weight: Value;
}

/** Neighbours along height and width. */
interface Neighbours {
  readonly rows: readonly Neighbour[];
  readonly columns: readonly Neighbour[];
}

const asFloat = (b: GraphBuilder, size: Size): Value =>
  typeof size === "number" ? b.scalar(size) : b.op("Cast", [size], { to: int(float32) });
const asInteger = (b: GraphBuilder, size: Size): Value =>
  typeof size === "number" ? b.integer(size) : b.op("Squeeze", [size, b.integers([0])]);

/** Where something holds, as 1, else 0. */
const asNumber = (b: GraphBuilder, holds: Value): Value => b.op("Cast", [holds], { to: int(float32) });
const within = (b: GraphBuilder, v: Value, low: Value, high: Value): Value =>
  b.op("Min", [b.op("Max", [v, low]), high]);

/** Places of s [q…, C] and their neighbours -> relevance of x [N, C, H, W]. */
function scattered(site: Site, s: Value, sample: Value, { rows, columns }: Neighbours): Value {
  const { b } = site;
  const image = b.op("Transpose", [x(site)], { perm: ints([0, 2, 3, 1]) });
  const channels = asFlat(b, sizeAt(b, x(site), 1));
  const [height, width] = [sizeAt(b, x(site), 2), sizeAt(b, x(site), 3)];
  const flat = (v: Value): Value => b.op("Reshape", [v, b.integers([-1, 1])]);
  const list = (v: Value): Value => b.op("Reshape", [v, channels]);
  const values = list(s);
  const first = b.op("Mul", [sample, asInteger(b, multiplySizes(b, height, width))]);
  let sum = list(filled(b, 0, image.shape, image));
  for (const row of rows) {
    const line = b.op("Add", [first, b.op("Mul", [row.index, asInteger(b, width)])]);
    for (const column of columns) {
      const places = flat(b.op("Add", [line, column.index]));
      const weights = flat(b.op("Mul", [row.weight, column.weight]));
      const parts = b.op("Mul", [values, weights]);
      sum = b.op("ScatterND", [sum, places, parts], { reduction: string("add") });
    }
  }
  return b.op("Transpose", [reshapeLike(b, sum, image)], { perm: ints([0, 3, 1, 2]) });
}

/** The shape of a list of channels, [-1, C]. */
function asFlat(b: GraphBuilder, channels: Size): Value {
  if (typeof channels === "number") return b.integers([-1, channels]);
  return b.op("Concat", [b.integers([-1]), channels], { axis: int(0) });
}

/** GridSample reads x [N, C, H, W] at grid [N, h, w, 2], whose −1 and 1 are the image's borders. */
export function ungridSample(site: Site, s: Value): Value {
  const { b } = site;
  const grid = site.input(1);
  const along = (axis: number): readonly Neighbour[] => {
    const at = b.op("Gather", [grid, b.integer(1 - axis)], { axis: int(3) });
    return neighboursOnGrid(site, at, sizeAt(b, x(site), axis + 2));
  };
  const places = b.op("Transpose", [s], { perm: ints([0, 2, 3, 1]) });
  const neighbours = { rows: along(0), columns: along(1) };
  const size = sizeAt(b, s, 0);
  const samples = b.op("Range", [b.integer(0), asInteger(b, size), b.integer(1)]);
  const sample = b.op("Reshape", [samples, b.integers([-1, 1, 1])]);
  return scattered(site, places, sample, neighbours);
}

function neighboursOnGrid({ b, node }: Site, at: Value, size: Size): readonly Neighbour[] {
  const isAligned = numberAttribute(node, "align_corners", 0) === 1;
  const padding = stringAttribute(node, "padding_mode", "zeros");
  const length = asFloat(b, size);
  const last = b.op("Sub", [length, b.scalar(1)]);
  const reach = isAligned ? last : length;
  const raised = b.op("Mul", [b.op("Add", [at, b.scalar(1)]), b.op("Mul", [reach, b.scalar(0.5)])]);
  const open = isAligned ? raised : b.op("Sub", [raised, b.scalar(0.5)]);
  const place = padding === "zeros" ? open : inside(b, open, last, isAligned, padding === "reflection");
  const neighbour = (position: Value, weight: Value | undefined): Neighbour => {
    const index = within(b, position, b.scalar(0), last);
    const isIn = asNumber(b, b.op("Equal", [index, position]));
    return {
      index: b.op("Cast", [index], { to: int(int64) }),
      weight: weight ? b.op("Mul", [weight, isIn]) : isIn,
    };
  };
  if (stringAttribute(node, "mode", "bilinear") === "nearest")
    return [neighbour(b.op("Round", [place]), undefined)];
  const low = b.op("Floor", [place]);
  const share = b.op("Sub", [place, low]);
  return [
    neighbour(low, b.op("Sub", [b.scalar(1), share])),
    neighbour(b.op("Add", [low, b.scalar(1)]), share),
  ];
}

/** A coordinate moved onto the image: to its border, or mirrored at its borders as often as it takes. */
function inside(b: GraphBuilder, at: Value, last: Value, isAligned: boolean, isMirrored: boolean): Value {
  if (!isMirrored) return within(b, at, b.scalar(0), last);
  // Mirrors stand at the outer pixels' centres, or at their outer edges.
  const edge = isAligned ? 0 : 0.5;
  const span = b.op("Max", [b.op("Add", [last, b.scalar(2 * edge)]), b.scalar(1e-6)]);
  const distance = b.op("Abs", [b.op("Add", [at, b.scalar(edge)])]);
  const turns = b.op("Floor", [b.op("Div", [distance, span])]);
  const rest = b.op("Sub", [distance, b.op("Mul", [turns, span])]);
  const isOdd = b.op("Greater", [b.op("Mod", [turns, b.scalar(2)], { fmod: int(1) }), b.scalar(0.5)]);
  const mirrored = b.op("Where", [isOdd, b.op("Sub", [span, rest]), rest]);
  return within(b, b.op("Sub", [mirrored, b.scalar(edge)]), b.scalar(0), last);
}

export function refusesGridSample({ node, inputs }: Site): string | undefined {
  if (inputs[0]?.shape.length !== 4) return "it samples volumes, and relevance has a rule for pictures";
  const mode = stringAttribute(node, "mode", "bilinear");
  return mode === "bicubic" ? "its weights are cubic: export the model with linear ones" : undefined;
}

/**
 * RoiAlign cuts regions [R, 4] out of x [N, C, H, W]: each number is the mean over a grid of points, each of which weighs its
 * four neighbours.
 */
export function unroiAlign(site: Site, s: Value): Value {
  const { b, node } = site;
  const count = numberAttribute(node, "sampling_ratio", 0);
  const [rois, samples] = [site.input(1), site.input(2)];
  const along = (axis: number): readonly (readonly Neighbour[])[] => {
    const cells = numberAttribute(node, axis === 0 ? "output_height" : "output_width", 1);
    return Array.from({ length: count }, (_, point) =>
      neighboursInRegion(site, rois, { axis, cells, point, count }),
    );
  };
  const scale = b.op("Mul", [s, b.scalar(1 / count ** 2)]);
  const places = b.op("Transpose", [scale], { perm: ints([0, 2, 3, 1]) });
  const sample = b.op("Reshape", [b.op("Cast", [samples], { to: int(int64) }), b.integers([-1, 1, 1])]);
  const neighbours = { rows: along(0).flat(), columns: along(1).flat() };
  return scattered(site, places, sample, neighbours);
}

/** One of the points in each cell along an axis. */
interface PointOfCell {
  readonly axis: number;
  readonly cells: number;
  readonly point: number;
  readonly count: number;
}

function neighboursInRegion(
  site: Site,
  rois: Value,
  { axis, cells, point, count }: PointOfCell,
): readonly Neighbour[] {
  const { b, node } = site;
  const isHalf = stringAttribute(node, "coordinate_transformation_mode", "half_pixel") === "half_pixel";
  const scale = b.scalar(numberAttribute(node, "spatial_scale", 1));
  const corner = (index: number): Value => {
    const at = b.op("Mul", [b.op("Gather", [rois, b.integers([index])], { axis: int(1) }), scale]);
    return isHalf ? b.op("Sub", [at, b.scalar(0.5)]) : at;
  };
  const [start, end] = [corner(1 - axis), corner(3 - axis)];
  const extent = b.op("Sub", [end, start]);
  const length = isHalf ? extent : b.op("Max", [extent, b.scalar(1)]);
  const steps = Array.from({ length: cells }, (_, cell) => (cell + (point + 0.5) / count) / cells);
  const at = b.op("Add", [start, b.op("Mul", [length, b.numbers(steps, [1, cells])])]);

  const size = asFloat(b, sizeAt(b, x(site), axis + 2));
  const last = b.op("Sub", [size, b.scalar(1)]);
  // A point up to one pixel outside reads the border, one further out reads 0.
  const isNear = b.op("And", [b.op("GreaterOrEqual", [at, b.scalar(-1)]), b.op("LessOrEqual", [at, size])]);
  const place = within(b, at, b.scalar(0), last);
  const low = b.op("Floor", [place]);
  const share = b.op("Sub", [place, low]);
  const near = asNumber(b, isNear);
  // Rows stand along the region's height, columns along its width.
  const shape = b.integers(axis === 0 ? [-1, cells, 1] : [-1, 1, cells]);
  const neighbour = (index: Value, weight: Value): Neighbour => ({
    index: b.op("Reshape", [b.op("Cast", [index], { to: int(int64) }), shape]),
    weight: b.op("Reshape", [b.op("Mul", [weight, near]), shape]),
  });
  return [
    neighbour(low, b.op("Sub", [b.scalar(1), share])),
    neighbour(b.op("Min", [b.op("Add", [low, b.scalar(1)]), last]), share),
  ];
}

export function refusesRoiAlign({ node }: Site): string | undefined {
  if (stringAttribute(node, "mode", "avg") !== "avg")
    return "it takes the maximum of its points: export the model with the average";
  return numberAttribute(node, "sampling_ratio", 0) < 1
    ? "the number of its points depends on the regions (sampling_ratio 0): export the model with a fixed one"
    : undefined;
}
