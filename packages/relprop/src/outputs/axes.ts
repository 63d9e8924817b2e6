/** Axes of what is followed back from an output. */

import type { Node, Value } from "../onnx/graph.ts";
import { wholeAxis } from "../relevance/axis-trace.ts";
import { sharedAxis } from "../relevance/feature-axis.ts";
import { rowOf } from "../relevance/op-table.ts";
import type { AxisPlace, Row } from "../relevance/row-kinds.ts";
import type { Surroundings } from "./logits.ts";

/** The axis of a node's output along which its elements are put together, or share a sum. */
export const axisOf = (
  { graph, b, siteOf }: Surroundings,
  node: Node,
  row: Row,
  y: Value,
): number | undefined => sharedAxis({ graph, siteOf, value: (name) => b.value(name) }, node, row, y);

/** Where an axis of an input stands in the output; undefined where elements along it are mixed, picked or dropped. */
export const placeAfter = (
  { b, siteOf }: Surroundings,
  node: Node,
  input: string,
  axis: number,
): AxisPlace | undefined =>
  rowOf(node)?.keepsAxis(siteOf(node), wholeAxis(b.value(input), axis), node.inputs.indexOf(input));
