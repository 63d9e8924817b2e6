import type { Analysis } from "../relevance/analysis.ts";
import type { Node, Value } from "../onnx/graph.ts";
import { wholeAxis } from "../relevance/axis-trace.ts";
import { sharedAxis } from "../relevance/feature-axis.ts";
import type { Row } from "../relevance/row-kinds.ts";
import type { AxisPlace } from "../relevance/site.ts";

/** The axis along which a node joins its inputs, or computes a shared sum such as that of a softmax. */
export const axisOf = (analysis: Analysis, node: Node, row: Row, y: Value): number | undefined =>
  sharedAxis(analysis, node, row, y);

/** The position of an input axis in the first output; undefined if the node mixes, picks or drops elements along it. */
export const placeAfter = (
  { b, siteOf, operators }: Analysis,
  node: Node,
  input: string,
  axis: number,
): AxisPlace | undefined =>
  operators
    .rowOf(node)
    ?.keepsAxis(siteOf(node), wholeAxis(b.value(input), axis), node.inputs.indexOf(input), 0);
