/** Axes of what is followed back from an output. */

import type { Analysis } from "../relevance/analysis.ts";
import type { Node, Value } from "../onnx/graph.ts";
import { wholeAxis } from "../relevance/axis-trace.ts";
import { sharedAxis } from "../relevance/feature-axis.ts";
import type { Row } from "../relevance/row-kinds.ts";
import type { AxisPlace } from "../relevance/site.ts";

/** The axis of a node's output along which its elements are put together, or share a sum. */
export const axisOf = (analysis: Analysis, node: Node, row: Row, y: Value): number | undefined =>
  sharedAxis(analysis, node, row, y);

/** Where an axis of an input stands in the output; undefined where elements along it are mixed, picked or dropped. */
export const placeAfter = (
  { b, siteOf, operators }: Analysis,
  node: Node,
  input: string,
  axis: number,
): AxisPlace | undefined =>
  operators.rowOf(node)?.keepsAxis(siteOf(node), wholeAxis(b.value(input), axis), node.inputs.indexOf(input));
