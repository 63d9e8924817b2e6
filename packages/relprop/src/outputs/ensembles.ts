/** Logits of ensembles: the explained logit of averaged probabilities is the average of the members' logits, with the same weights. */

import type { Analysis } from "../relevance/analysis.ts";
import { usesOf } from "../onnx/captures.ts";
import type { Node } from "../onnx/graph.ts";
import { axisOf } from "./axes.ts";
import { isSameShape, jointLogits, type InnerLogits, type Logits } from "./logits.ts";
import { rerouteLogits } from "./reroute-logits.ts";
import { functionAfter, mixingWeights, riseOf, type OfProbability } from "./scale.ts";
import { sureNumber } from "../sure.ts";

/** Logits of a sum of members. */
export function mixedLogits(
  { b }: Analysis,
  node: Node,
  name: string,
  inner: InnerLogits,
): Logits | undefined {
  const members = [...inner.values()].filter((member) => member !== undefined);
  const isAlike = members.every(({ value, isWhole }) => isWhole && isSameShape(value, b.value(name)));
  const numbers = new Map([...inner].map(([each, logits]) => [each, logits?.number]));
  const weights = isAlike ? mixingWeights(numbers, node, b) : undefined;
  if (!weights) return undefined;
  const terms = [...weights].map(([each, weight]) =>
    b.op("Mul", [(inner.get(each) as Logits).value, b.scalar(weight)]),
  );
  const value = terms.reduce((a, c) => b.op("Add", [a, c]));
  return jointLogits(value, members, functionAfter(numbers, node, b));
}

/** Logits of members that were stacked and are averaged over that axis. */
export function averagedLogits(
  analysis: Analysis,
  node: Node,
  name: string,
  inner: InnerLogits,
): Logits | undefined {
  const { b } = analysis;
  const [[stack = "", logits] = []] = inner;
  const axis = logits?.isWhole ? stackedAlong(analysis, stack) : undefined;
  const made = axis === undefined ? undefined : rerouteLogits(analysis, node, name, inner);
  if (!logits || !made || axis === undefined) return undefined;
  const { shape } = b.value(stack);
  const without = [shape.toSpliced(axis, 1), shape.with(axis, 1)];
  if (!without.some((each) => isSameShape({ shape: each }, made.value))) return undefined;
  const dims = shape.map((dim, each) => (each === axis ? sureNumber(dim) : 1));
  const number = functionAfter(new Map([[stack, logits.number]]), node, b, dims);
  const gain = number && riseOf(number) / riseOf(logits.number as OfProbability);
  if (!gain || !(gain > 0) || !Number.isFinite(gain)) return undefined;
  const value = gain === 1 ? made.value : b.op("Mul", [made.value, b.scalar(1 / gain)]);
  return jointLogits(value, [logits], number);
}

/** The axis along which a value was concatenated from inputs of length 1. */
function stackedAlong(analysis: Analysis, name: string): number | undefined {
  const { graph, b } = analysis;
  const node = usesOf(graph).producer.get(name);
  const row = node && analysis.operators.rowOf(node);
  if (!node || !row?.joins || row.family !== "routing" || node.inputs.length < 2) return undefined;
  const axis = axisOf(analysis, node, row, b.value(name));
  const isStack = axis !== undefined && node.inputs.every((each) => b.value(each).shape[axis] === 1);
  return isStack ? axis : undefined;
}
