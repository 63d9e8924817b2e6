/** Follows an axis of inputs through the graph: where samples stand in every value, wherever the model moves them. */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import type { Operators } from "./operators.ts";
import { placeAt, type AxisPlace, type KeepsAxis, type Site } from "./site.ts";

/** Where an axis stands, by the names of the values that have it. */
export type AxisTrace = ReadonlyMap<string, AxisPlace>;

/** A graph whose axes are followed: an analysis, or some of its nodes. */
export interface Followed {
  readonly graph: Pick<Graph, "nodes">;
  readonly operators: Operators;
  /** A node as the rows see it; asked only of nodes whose values are all known. */
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
 * Follows axes from where they start. A value that depends on a start without keeping the axis has no place, nor has
 * what is made of it: there elements of different samples have met.
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
    const outputs = relevantOutputs(node).filter((name) => name !== "" && !starts.has(name));
    const place = placeAfter(node);
    for (const name of outputs) {
      dependent.add(name);
      if (place) places.set(name, place);
    }
  }
  return places;

  /** Where the axis stands in the outputs of a node: in all inputs that have it, it must end in one place. */
  function placeAfter(node: Node): AxisPlace | undefined {
    const row = rowOf(node);
    if (!isKnown(node)) return undefined;
    const site = siteOf(node);
    const relevant = new Set(relevantInputs(node));
    let found: AxisPlace | undefined;
    for (const [index, name] of node.inputs.entries()) {
      if (!relevant.has(name) || !dependent.has(name)) continue;
      const before = places.get(name);
      const after = before && (row ? row.keepsAxis : unlessMoved)(site, before, index);
      if (!after || (found && !isSamePlace(found, after))) return undefined;
      found = after;
    }
    return found;
  }
}

/** Of an operator that nothing is known of: an axis that has its size in the same place is taken for the same one. */
const unlessMoved: KeepsAxis = (site, place) => placeAt(site, place, place.axis);

const isSamePlace = (a: AxisPlace, b: AxisPlace): boolean =>
  a.axis === b.axis && a.outer === b.outer && a.inner === b.inner;
