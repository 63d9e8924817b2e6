import { axisOfNode, featureAxisOf, sharedAxis, type AxisOf } from "../relevance/feature-axis.ts";
import type { Reading } from "./reading.ts";

/** The class axis of an output: the axis of the last softmax, else the feature axis of the last layer. */
export function classAxisOf({ axes, analysis, output }: Reading): number | undefined {
  for (const node of analysis.graph.nodes.toReversed()) {
    const axis = axisOfNode(analysis, node, alongSoftmax, output);
    if (axis !== undefined) return axis;
  }
  const axis = featureAxisOf(analysis, output);
  // If an axis of length 1 was dropped, the batch may be in its place.
  return axis !== undefined && axes.includes(axis) ? axis : undefined;
}

const alongSoftmax: AxisOf = (request, node, row, y) =>
  row.family === "softmax" ? sharedAxis(request, node, row, y) : undefined;
