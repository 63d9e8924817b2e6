/** Values side by side, element by element. */

import { int, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { sure, sureNumber } from "../../sure.ts";

/**
 * One value of many, of the same fixed sizes but for the batch: its elements along the spatial axes are theirs by turns.
 * @param values one for each position of a block of the given sizes, in the order of {@link positionsIn}
 */
export const interleave = (b: GraphBuilder, values: readonly Value[], block: readonly number[]): Value =>
  sure(block.reduceRight((sides, length, i) => alongAxis(b, sides, length, i + 2), values)[0]);

/** Groups of `length` values, each group one value with their elements by turns along an axis. */
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
      // Of the sizes only the batch can be open, which 0 leaves as it is.
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
