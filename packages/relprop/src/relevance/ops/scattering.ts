/** Operators that write elements into a copy of a tensor (ScatterElements, ScatterND), by indices that take no relevance. */

import { stringAttribute, type Node, type Value } from "../../onnx/graph.ts";
import type { AttributesOf } from "../../onnx/operator-node.ts";
import type { Site } from "../site.ts";
import { filled } from "./shapes.ts";

const updatesInput = 2;

/** "none" writes over what was there, "add" adds to it; the others are no sums. */
export function reductionOf(node: Pick<Node, "attributes">): string {
  const reduction = stringAttribute(node as Node, "reduction", "none");
  return reduction === "none" || reduction === "add" ? reduction : "other";
}

const indices = (site: Site): Value => site.input(1);
const gone = (site: Site): Value => {
  const updates = site.input(updatesInput);
  return filled(site.b, 0, updates.shape, updates);
};

const elementsAt = (site: Site, s: Value): Value =>
  site.b.op("GatherElements", [s, indices(site)], axisOf(site));
const slicesAt = (site: Site, s: Value): Value => site.b.op("GatherND", [s, indices(site)]);

function axisOf({ node }: Site): AttributesOf<"GatherElements"> {
  const { axis } = node.attributes;
  return axis?.type === "int" ? { axis } : {};
}

/** ScatterElements: what was written takes what stands there, the data the rest. */
export function unscatterElements(site: Site, s: Value, input: number): Value {
  if (input === updatesInput) return elementsAt(site, s);
  return site.b.op("ScatterElements", [s, indices(site), gone(site)], axisOf(site));
}

/** ScatterND, as {@link unscatterElements}. */
export function unscatterNd(site: Site, s: Value, input: number): Value {
  if (input === updatesInput) return slicesAt(site, s);
  return site.b.op("ScatterND", [s, indices(site), gone(site)]);
}

/** ScatterElements that adds. */
export const unaddElements = (site: Site, s: Value, input: number): Value =>
  input === updatesInput ? elementsAt(site, s) : s;

/** ScatterND that adds. */
export const unaddNd = (site: Site, s: Value, input: number): Value =>
  input === updatesInput ? slicesAt(site, s) : s;

export const refusesReduction = (site: Site): string =>
  `it scatters by "${stringAttribute(site.node, "reduction", "none")}": only overwriting and adding are explained`;
