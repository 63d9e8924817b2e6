/** Interleaves values element by element. */

import { int, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { sure, sureNumber } from "../../sure.ts";

/**
 * Interleaves values along the spatial axes. They have the same fixed sizes, except for the batch.
 * @param values one for each position of a block of the given sizes, in the order of {@link positionsIn}
 */
export const interleave = (b: GraphBuilder, values: readonly Value[], block: readonly number[]): Value =>
  sure(block.reduceRight((sides, length, i) => alongAxis(b, sides, length, i + 2), values)[0]);

/** Interleaves each group of `length` values along an axis. */
function alongAxis(
  b: GraphBuilder,
  values: readonly Value[],
  length: number,
  axis: number,
): readonly Value[] {
  if (length === 1) return values;
  return Array.from({ length: values.length / length }, (_, group) => {
    const sides = values.slice(group * length, (group + 1) * length);
    const apart = sides.map((side) => b.op("Unsqueeze", [side, b.integers([axis + 1])]));
    const joined = b.op("Concat", apart, { axis: int(axis + 1) });
    const dims = sure(sides[0]).shape.map((dim, i) =>
      // Only the batch can be symbolic, and 0 keeps it.
      i === 0 ? 0 : sureNumber(dim) * (i === axis ? length : 1),
    );
    return b.op("Reshape", [joined, b.integers(dims)]);
  });
}

/** All positions of a block of the given sizes; those that differ in the last axis follow each other. */
export const positionsIn = (block: readonly number[]): number[][] =>
  block.reduce<number[][]>(
    (all, length) => all.flatMap((before) => Array.from({ length }, (_, i) => [...before, i])),
    [[]],
  );
