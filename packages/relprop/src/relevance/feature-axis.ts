/** Finds the feature axis of a tensor: the channels of a convolution, or the columns of a dense layer. */

import type { Node, Value } from "../onnx/graph.ts";
import { traceAxes, wholeAxis, type Followed } from "./axis-trace.ts";
import type { Row } from "./row-kinds.ts";

/** The graph to trace. */
export interface AxisRequest extends Followed {
  readonly value: (name: string) => Value | undefined;
}

/** Gives the feature axis of a node's output. */
export type AxisOf = (request: AxisRequest, node: Node, row: Row, y: Value) => number | undefined;

/** The position of an axis of a value in a later value, if it is kept whole. */
export function axisIn(
  { graph, operators, siteOf, isKnown }: AxisRequest,
  from: Value,
  axis: number,
  to: string,
): number | undefined {
  if (from.name === to) return axis;
  const maker = graph.nodes.findIndex(({ outputs }) => outputs.includes(from.name));
  const nodes = graph.nodes.slice(maker + 1);
  const trace = traceAxes(
    { graph: { nodes }, operators, siteOf, isKnown },
    new Map([[from.name, wholeAxis(from, axis)]]),
  );
  const place = trace.get(to);
  return place?.outer === 1 && place.inner === 1 ? place.axis : undefined;
}

/** The position of a node's feature axis in a later value. */
export function axisOfNode(request: AxisRequest, node: Node, axisOf: AxisOf, to: string): number | undefined {
  const row = request.operators.rowOf(node);
  for (const output of row ? node.outputs : []) {
    const y = request.value(output);
    const axis = row && y && axisOf(request, node, row, y);
    const place = axis === undefined || !y ? undefined : axisIn(request, y, axis, to);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** The feature axis of the last layer before a value, traced to that value. */
export function featureAxisOf(request: AxisRequest, name: string): number | undefined {
  for (const node of request.graph.nodes.toReversed()) {
    const axis = axisOfNode(request, node, ofLayer, name);
    if (axis !== undefined) return axis;
  }
  return undefined;
}

const ofLayer: AxisOf = (_request, _node, row, { shape }) => {
  if (row.family === "convolution") return 1;
  return row.family === "dense" || row.family === "recurrent" ? shape.length - 1 : undefined;
};

/** The one axis that an operator does not keep. */
export const sharedAxis: AxisOf = ({ siteOf, value }, node, row, { shape }) => {
  const input = value(node.inputs[0] ?? "");
  if (!input || input.shape.length !== shape.length) return undefined;
  const site = siteOf(node);
  const lost = shape.flatMap((_, axis) => (row.keepsAxis(site, wholeAxis(input, axis), 0, 0) ? [] : [axis]));
  return lost.length === 1 ? lost[0] : undefined;
};
