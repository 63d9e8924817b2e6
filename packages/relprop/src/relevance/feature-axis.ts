/** Which axis of a tensor counts its features: the channels of a convolution, the columns of a dense layer. */

import type { Node, Value } from "../onnx/graph.ts";
import { traceAxes, wholeAxis, type Followed } from "./axis-trace.ts";
import type { Row } from "./row-kinds.ts";

/** A graph whose axes are followed. */
export interface AxisRequest extends Followed {
  readonly value: (name: string) => Value | undefined;
}

/** The axis of a node's output that its features stand along. */
export type AxisOf = (request: AxisRequest, node: Node, row: Row, y: Value) => number | undefined;

/** Where a whole axis of a value stands in another one that comes after it, if it is still whole there. */
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

/** Where the axis that a node has features along stands in a value. */
export function axisOfNode(request: AxisRequest, node: Node, axisOf: AxisOf, to: string): number | undefined {
  const row = request.operators.rowOf(node);
  const y = request.value(node.outputs[0] ?? "");
  const axis = row && y && axisOf(request, node, row, y);
  return axis === undefined || !y ? undefined : axisIn(request, y, axis, to);
}

/** The axis of the features that the last layer before a value makes, followed through all that moves it on the way. */
export function featureAxisOf(request: AxisRequest, name: string): number | undefined {
  for (const node of request.graph.nodes.toReversed()) {
    const axis = axisOfNode(request, node, ofLayer, name);
    if (axis !== undefined) return axis;
  }
  return undefined;
}

const ofLayer: AxisOf = (_request, _node, row, { shape }) => {
  if (row.family === "convolution") return 1;
  return row.family === "dense" ? shape.length - 1 : undefined;
};

/** The one axis that an operator does not keep. */
export const sharedAxis: AxisOf = ({ siteOf, value }, node, row, { shape }) => {
  const input = value(node.inputs[0] ?? "");
  if (!input || input.shape.length !== shape.length) return undefined;
  const site = siteOf(node);
  const lost = shape.flatMap((_, axis) => (row.keepsAxis(site, wholeAxis(input, axis), 0) ? [] : [axis]));
  return lost.length === 1 ? lost[0] : undefined;
};
