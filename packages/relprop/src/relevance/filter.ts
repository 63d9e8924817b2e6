/**
 * The relevance filter of `fischer`: each sample keeps its k = max(1, ⌊p·n⌋) largest of n values. The others become 0, and
 * nothing is renormalised. Fischer 2021.
 */

import { int, ints, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { keepAboveThreshold } from "./bisection.ts";
import { filled, reshapeLike } from "./ops/shapes.ts";
import { apart, areRows, type Samples } from "./samples.ts";

/**
 * Float32 rounds p and p·n by up to 6e-8 of itself each. Without this tolerance, 0.7 of a number of values could be one too
 * few. (float64 would be exact, but ONNX Runtime Web's builds with WebGPU cannot cast to it.)
 */
const roundingOfFloat32 = 1 + 1.2e-7;

/** How the largest values are found: by TopK, or by `keepAboveThreshold` for GPUs. */
export const searches = ["sorting", "bisection"] as const;
/** One of {@link searches}. */
export type Search = (typeof searches)[number];

/**
 * @param keep the fraction p to keep, in (0, 1), or a float32 scalar of the graph, where 0 and 1 keep everything
 * @param samples where the samples are. @default the first axis
 */
export function keepLargest(
  b: GraphBuilder,
  R: Value,
  keep: number | Value,
  search: Search,
  samples?: Samples,
): Value {
  return b.within("filter", () => {
    if (!samples || areRows(samples.place)) return kept(b, R, keep, search);
    const { axis, outer, inner } = samples.place;
    const isWhole = outer === 1 && inner === 1;
    const rows = isWhole ? R : apart(b, R, samples);
    const at = isWhole ? axis : rows.shape.length - 2;
    // A swap of two axes undoes itself.
    const axes = rows.shape.map((_, each) => (each === 0 ? at : each === at ? 0 : each));
    const swapped = (v: Value): Value => (at === 0 ? v : b.op("Transpose", [v], { perm: ints(axes) }));
    return reshapeLike(b, swapped(kept(b, swapped(rows), keep, search)), R);
  });
}

function kept(b: GraphBuilder, R: Value, keep: number | Value, search: Search): Value {
  const flat = b.op("Reshape", [R, b.integers([0, -1])]);
  const count = flat.shape[1];
  if (typeof keep === "number" && typeof count === "number") {
    const k = Math.max(1, Math.floor(keep * count));
    if (k >= count) return R;
    const most =
      search === "sorting"
        ? largest(b, flat, b.integers([k]))
        : keepAboveThreshold(b, flat, b.scalar(k), b.scalar(count));
    return reshapeLike(b, most, R);
  }
  const to = (v: Value, type: number): Value => b.op("Cast", [v], { to: int(type) });
  const [float32, int64] = [1, 7];
  const n = to(
    typeof count === "number" ? b.integers([count]) : b.op("Shape", [flat], { start: int(1), end: int(2) }),
    float32,
  );
  const fraction = typeof keep === "number" ? b.scalar(keep) : b.op("Reshape", [keep, b.integers([1])]);
  const product = b.op("Mul", [b.op("Mul", [fraction, b.scalar(roundingOfFloat32)]), n]);
  const k = b.op("Min", [b.op("Max", [b.op("Floor", [product]), b.scalar(1)]), n]);
  const most = search === "sorting" ? largest(b, flat, to(k, int64)) : keepAboveThreshold(b, flat, k, n);
  const filtered = reshapeLike(b, most, R);
  if (typeof keep === "number") return filtered;
  const isOn = b.op("And", [
    b.op("Greater", [keep, b.scalar(0)]),
    b.op("Less", [to(keep, float32), b.scalar(1)]),
  ]);
  return b.op("Where", [isOn, filtered, R]);
}

function largest(b: GraphBuilder, flat: Value, k: Value): Value {
  const attributes = { axis: int(1), largest: int(1), sorted: int(0) };
  const [values, indices] = b.ops("TopK", [flat, k], attributes, 2);
  const zeros = filled(b, 0, flat.shape, flat);
  return b.op("ScatterElements", [zeros, indices, values], { axis: int(1) });
}
