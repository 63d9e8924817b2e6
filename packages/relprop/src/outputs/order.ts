/** Among which elements logits rank as the numbers do that were made of them. */

import type { Analysis } from "../relevance/analysis.ts";
import type { Node } from "../onnx/graph.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { placeAfter } from "./axes.ts";
import type { InnerLogits, Logits, Order } from "./logits.ts";
import { isSame } from "./scale.ts";

/** The order after a response function: of single elements, or along the axis that its sum runs over. */
export function orderOf(axis: number | undefined, isElementwise: boolean, before: Logits | undefined): Order {
  const inner: Order = before ? before.order : "all";
  if (isElementwise || inner === undefined || axis === undefined) return isElementwise ? inner : undefined;
  return inner === "all" || inner.along === axis ? { along: axis } : undefined;
}

/** The order after a move. Elements that come from several tensors rank together if one function made them all. */
export function orderAfter(analysis: Analysis, node: Node, inner: InnerLogits): Order {
  const entries = [...inner];
  const [[input = "", logits] = []] = entries;
  if (isAlike(inner)) return "all";
  const order = logits?.order;
  if (entries.length !== 1 || typeof order !== "object") return undefined;
  const kept = placeAfter(analysis, node, input, order.along);
  return kept && kept.outer === 1 && kept.inner === 1 ? { along: kept.axis } : undefined;
}

/** Whether a node that picks the largest compares only elements whose logits rank as they do. */
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

/** Whether all other inputs of a function are the same for each element. */
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
