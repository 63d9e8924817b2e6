/** The order of logits: which elements rank as their logits do. */

import type { Analysis } from "../relevance/analysis.ts";
import type { Node } from "../onnx/graph.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { placeAfter } from "./axes.ts";
import type { InnerLogits, Logits, Order } from "./logits.ts";
import { isSame } from "./scale.ts";

/** The order after a response function that is elementwise, or sums along an axis. */
export function orderOf(axis: number | undefined, isElementwise: boolean, before: Logits | undefined): Order {
  const inner: Order = before ? before.order : "all";
  if (isElementwise || inner === undefined || axis === undefined) return isElementwise ? inner : undefined;
  return inner === "all" || inner.along === axis ? { along: axis } : undefined;
}

/** The order after a node that moves elements. Elements of several inputs compare if the same function made them. */
export function orderAfter(analysis: Analysis, node: Node, inner: InnerLogits): Order {
  const entries = [...inner];
  const [[input = "", logits] = []] = entries;
  if (isAlike(inner)) return "all";
  const order = logits?.order;
  if (entries.length !== 1 || typeof order !== "object") return undefined;
  const kept = placeAfter(analysis, node, input, order.along);
  return kept && kept.outer === 1 && kept.inner === 1 ? { along: kept.axis } : undefined;
}

/** Whether a maximum compares only elements that rank as their logits do. */
export function comparesInOrder(analysis: Analysis, node: Node, inner: InnerLogits): boolean {
  if (isAlike(inner)) return true;
  const [[input = "", logits] = []] = inner;
  const order = logits?.order;
  if (inner.size !== 1 || typeof order !== "object") return false;
  const { shape } = analysis.b.value(input);
  return shape.every(
    (size, axis) =>
      axis === order.along || size === 1 || placeAfter(analysis, node, input, axis) !== undefined,
  );
}

/** Whether each of the node's other inputs is a constant with one value. */
export const isUniform = ({ b }: Analysis, node: Node, input: string): boolean =>
  node.inputs.every((each) => {
    if (each === input || each === "") return true;
    const { constant } = b.value(each);
    return constant !== undefined && new Set(Array.from(numbersOf(constant))).size === 1;
  });

function isAlike(inner: InnerLogits): boolean {
  const [first, ...others] = inner.values();
  return (
    first?.order === "all" &&
    others.every((each) => each?.order === "all" && isSame(each.number, first.number))
  );
}
