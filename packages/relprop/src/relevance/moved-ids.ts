/** Ids that a model moves before it looks them up: relevance of the vectors goes back to where the input has them. */

import type { Node, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { traceAxes, wholeAxis, type Followed } from "./axis-trace.ts";
import { filled, reshapeLike } from "./ops/shapes.ts";
import type { AxisPlace } from "./site.ts";

/** How ids get to a lookup. */
export interface MovedIds {
  /** The input with the ids. */
  readonly ids: string;
  /** The ids as they are looked up. */
  readonly indices: string;
  /** The nodes that move them, first one first. */
  readonly moves: readonly Node[];
}

/**
 * The place of an axis of the ids in what is looked up by them, whose first axes are those of the indices.
 * Undefined if the moves do not keep the axis apart.
 */
export function placeInVectors(
  followed: Followed,
  { indices }: MovedIds,
  ids: Value,
  axis: number,
): AxisPlace | undefined {
  return traceAxes(followed, new Map([[ids.name, wholeAxis(ids, axis)]])).get(indices);
}

/**
 * Relevance of the ids at their places in the input.
 * @param R relevance of each id that is looked up
 */
export function unmoved(
  analysis: Pick<Followed, "operators" | "siteOf"> & { readonly b: GraphBuilder },
  { indices, moves }: MovedIds,
  R: Value,
): Value {
  const { b, operators } = analysis;
  if (moves.length === 0 && R.shape.length === b.value(indices).shape.length) return R;
  return moves.reduceRight(
    (relevance, node) => {
      const site = analysis.siteOf(node);
      const row = operators.rowOf(node);
      if (row?.kind === "splitting") {
        const parts = node.outputs.map((name) =>
          name === relevance.of ? relevance.R : filled(b, 0, b.value(name).shape, b.value(name)),
        );
        return { of: node.inputs[0] ?? "", R: row.pullBackAll(site, parts, 0) };
      }
      const back = row?.kind === "plain" ? row.pullBack(site, relevance.R, 0) : relevance.R;
      return { of: node.inputs[0] ?? "", R: back };
    },
    { of: indices, R: reshapeLike(b, R, b.value(indices)) },
  ).R;
}
