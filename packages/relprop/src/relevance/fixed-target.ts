/** A target that is compiled into the graph. */

import { int, type Dim, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { TargetRegion } from "./target-text.ts";

/** Ones in the regions and zeros elsewhere, in a shape that broadcasts over the output: products of a vector for each axis. */
export function fixedTarget(b: GraphBuilder, output: Value, regions: readonly TargetRegion[]): Value {
  const rank = output.shape.length;
  const masks = regions.map((region) => {
    const vectors = region.flatMap((range, axis) => {
      if (!range) return [];
      const shape = output.shape.map((_, each) => (each === axis ? -1 : 1));
      return [b.op("Reshape", [vectorOf(b, output, axis, range), b.integers(shape)])];
    });
    const ones = b.numbers(
      [1],
      Array.from({ length: rank }, () => 1),
    );
    return vectors.length === 0 ? ones : vectors.reduce((a, c) => b.op("Mul", [a, c]));
  });
  return masks.reduce((a, c) => b.op("Add", [a, c]));
}

function vectorOf(
  b: GraphBuilder,
  output: Value,
  axis: number,
  { from, to }: { readonly from: number; readonly to: number },
): Value {
  const size = output.shape[axis] as Dim;
  const isIn = (i: number): number => (i >= from && i <= to ? 1 : 0);
  if (typeof size === "number") return b.numbers(Array.from({ length: size }, (_, i) => isIn(i)));
  const length = b.op("Squeeze", [b.op("Shape", [output], { start: int(axis), end: int(axis + 1) })]);
  const places = b.op("Range", [b.integer(0), length, b.integer(1)]);
  const above = b.op("GreaterOrEqual", [places, b.integer(from)]);
  const isInside = b.op("And", [above, b.op("LessOrEqual", [places, b.integer(to)])]);
  return b.op("Cast", [isInside], { to: int(1) });
}
