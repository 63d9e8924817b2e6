/** Repeats a node that moves elements, on the logits of its inputs. */

import type { Analysis } from "../relevance/analysis.ts";
import type { Node, Value } from "../onnx/graph.ts";
import { isSameShape, numberAndScale, type InnerLogits, type Logits } from "./logits.ts";
import { partAfter } from "./part.ts";
import { orderAfter } from "./order.ts";
import { isSame } from "./scale.ts";
import { sure } from "../sure.ts";

/** The logits of a node that moves, picks or joins elements; undefined if the node cannot be repeated. */
export function rerouteLogits(
  analysis: Analysis,
  node: Node,
  name: string,
  inner: InnerLogits,
): Logits | undefined {
  const { b } = analysis;
  if (node.body || node.domain !== "") return undefined;
  const same = chosenAlike(b.value(name), inner);
  if (same) return same;
  const made = (valueOf: (logits: Logits) => Value): Value => {
    const inputs = node.inputs.map((each) => {
      const logits = inner.get(each);
      return each === "" ? undefined : logits ? valueOf(logits) : b.value(each);
    });
    const outputs = b.allLike(node, inputs, node.outputs.length);
    return sure(outputs[node.outputs.indexOf(name)]);
  };
  const joined = [...inner.values()];
  const known = joined.filter((logits) => logits !== undefined);
  const [first, second] = known;
  const isPair = joined.length === 2 && known.length === 2;
  const isAllWhole = known.length === joined.length && known.every(({ isWhole }) => isWhole);
  const part =
    isAllWhole && !hasConstants(analysis, node, inner) ? undefined : partAfter(analysis, node, name, inner);
  const isWhole = part ? part.isResponse.every(Boolean) : isAllWhole && !hasConstants(analysis, node, inner);
  return {
    value: made(({ value }) => value),
    negated: joined.length === 1 && first?.negated ? made(({ negated }) => sure(negated)) : undefined,
    isComplementary:
      (isPair && (isNegative(first, second) || isNegative(second, first))) ||
      (joined.length === 1 && first?.isComplementary === true),
    responses: new Set(known.flatMap(({ responses }) => [...responses])),
    ...numberAndScale(known.map(({ number }) => number).reduce((a, c) => (isSame(a, c) ? a : undefined))),
    order: isWhole ? orderAfter(analysis, node, inner) : undefined,
    isJoint: known.some(({ isJoint }) => isJoint),
    isRanked: known.some(({ isRanked }) => isRanked),
    isWhole,
    part: isWhole ? undefined : part,
  };
}

/** The logit, where a node chooses between it and its response, as a softplus for large numbers does. */
function chosenAlike(y: Value, inner: InnerLogits): Logits | undefined {
  const known = [...inner.values()].find((logits) => logits?.isWhole);
  const isAlike = [...inner].every(([name, logits]) => (logits?.value.name ?? name) === known?.value.name);
  return known && inner.size > 1 && isAlike && isSameShape(known.value, y) ? known : undefined;
}

const hasConstants = ({ operators }: Analysis, node: Node, inner: InnerLogits): boolean =>
  operators.rowOf(node)?.joins === true &&
  operators.relevantInputs(node).some((each) => each !== "" && !inner.has(each));

const isNegative = (a: Logits | undefined, c: Logits | undefined): boolean =>
  a?.negated !== undefined && a.negated.name === c?.value.name;
