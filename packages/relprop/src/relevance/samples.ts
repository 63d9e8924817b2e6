/** The samples of a tensor on an axis of their own: what the ledger sums over, and the filter keeps apart. */

import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Value } from "../onnx/graph.ts";
import { product } from "../onnx/operators/sizes.ts";
import { multiplySizes, sizeAt, vectorOf, type Size } from "./ops/shapes.ts";
import type { AxisPlace } from "./site.ts";

/** Where the samples of a tensor are. */
export interface Samples {
  readonly place: AxisPlace;
  /** How many there are. */
  readonly count: () => Size;
}

/** Whether the first axis is that of the samples. */
export const areRows = ({ axis, outer, inner }: AxisPlace): boolean =>
  axis === 0 && outer === 1 && inner === 1;

/** v with the samples on an axis of their own: the first of two, or the second of three. */
export function apart(b: GraphBuilder, v: Value, { place, count }: Samples): Value {
  if (areRows(place)) return b.op("Reshape", [v, b.integers([0, -1])]);
  const { axis, outer, inner } = place;
  const shaped = (sizes: readonly Size[]): Value => b.op("Reshape", [v, vectorOf(b, sizes)]);
  const before = product([...v.shape.slice(0, axis), outer]);
  if (typeof before === "number") return shaped([before, count(), -1]);
  const after = product([inner, ...v.shape.slice(axis + 1)]);
  if (typeof after === "number") return shaped([-1, count(), after]);
  const leading = Array.from({ length: axis }, (_, i) => sizeAt(b, v, i));
  const size = leading.reduce((a, n) => multiplySizes(b, a, n), typeof outer === "number" ? outer : 1);
  return shaped([size, count(), -1]);
}
