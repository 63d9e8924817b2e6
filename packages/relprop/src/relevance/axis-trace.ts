/** Traces axes of inputs through the graph, to find the samples in every value. */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import type { Operators } from "./operators.ts";
import { placeAt, type AxisPlace, type KeepsAxis, type Site } from "./site.ts";

/** The places of an axis, by the names of values. */
export type AxisTrace = ReadonlyMap<string, AxisPlace>;

/** The graph to trace: an analysis, or some of its nodes. */
export interface Followed {
  readonly graph: Pick<Graph, "nodes">;
  readonly operators: Operators;
  /** A node as rows see it. All its values have to be known. */
  readonly siteOf: (node: Node) => Site;
  readonly isKnown: (node: Node) => boolean;
}

/** A whole axis of a value. */
export const wholeAxis = ({ shape }: Pick<Value, "shape">, axis: number): AxisPlace => ({
  axis,
  outer: 1,
  length: shape[axis] ?? 1,
  inner: 1,
});

/**
 * Traces axes from their starts. A value that depends on a start but does not keep the axis apart has no place, and
 * neither do values computed from it.
 */
export function traceAxes(
  { graph, operators, siteOf, isKnown }: Followed,
  starts: ReadonlyMap<string, AxisPlace>,
): AxisTrace {
  const { rowOf, relevantInputs, relevantOutputs, endsRelevance } = operators;
  const places = new Map(starts);
  const dependent = new Set(starts.keys());
  for (const node of graph.nodes) {
    if (endsRelevance(node) || !relevantInputs(node).some((name) => dependent.has(name))) continue;
    const relevant = new Set(relevantOutputs(node));
    for (const [output, name] of node.outputs.entries()) {
      if (name === "" || !relevant.has(name) || starts.has(name)) continue;
      dependent.add(name);
      const place = placeAfter(node, output);
      if (place) places.set(name, place);
    }
  }
  return places;

  /** The place of the axis in an output of a node. All inputs that have the axis must agree on it. */
  function placeAfter(node: Node, output: number): AxisPlace | undefined {
    const row = rowOf(node);
    if (!isKnown(node)) return undefined;
    const site = siteOf(node);
    const relevant = new Set(relevantInputs(node));
    let found: AxisPlace | undefined;
    for (const [index, name] of node.inputs.entries()) {
      if (!relevant.has(name) || !dependent.has(name)) continue;
      const before = places.get(name);
      const after = before && (row ? row.keepsAxis : unlessMoved)(site, before, index, output);
      if (!after || (found && !isSamePlace(found, after))) return undefined;
      found = after;
    }
    return found;
  }
}

/** For an unknown operator, an output axis with the same position and size counts as the same axis. */
const unlessMoved: KeepsAxis = (site, place, _input, output) => placeAt(site, place, place.axis, output);

const isSamePlace = (a: AxisPlace, b: AxisPlace): boolean =>
  a.axis === b.axis && a.outer === b.outer && a.inner === b.inner;
