/** Which axis of an output counts its classes. */

import { axisOfNode, featureAxisOf, sharedAxis, type AxisOf } from "../relevance/feature-axis.ts";
import type { Reading } from "./reading.ts";

/** The axis along which the last softmax runs, else that of the features which the last layer makes. */
export function classAxisOf({ axes, analysis, output }: Reading): number | undefined {
  for (const node of analysis.graph.nodes.toReversed()) {
    const axis = axisOfNode(analysis, node, alongSoftmax, output);
    if (axis !== undefined) return axis;
  }
  const axis = featureAxisOf(analysis, output);
  // An axis of length 1 may have been dropped, and the batch stand where it stood.
  return axis !== undefined && axes.includes(axis) ? axis : undefined;
}

const alongSoftmax: AxisOf = (request, node, row, y) =>
  row.family === "softmax" ? sharedAxis(request, node, row, y) : undefined;
