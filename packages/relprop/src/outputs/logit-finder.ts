/**
 * Finds where relevance starts. A model may end in a response function (softmax, sigmoid …) of its logits. Relevance
 * starts at the logits, even if later nodes move, pick or concatenate the responses:
 *
 *     y = concat(boxes, σ(z))   ->   explained: concat(boxes, z)
 *
 * Starting at σ(z) would flip signs where z < 0, and a saturated σ has no slope (docs/rules.md §6).
 */

import { usesOf } from "../onnx/captures.ts";
import type { Node } from "../onnx/graph.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { Response, Row } from "../relevance/row-kinds.ts";
import { ofNode } from "../relevance/scopes.ts";
import { axisOf } from "./axes.ts";
import { averagedLogits, mixedLogits } from "./ensembles.ts";
import {
  isSameShape,
  numberAndScale,
  jointLogits,
  type InnerLogits,
  type Logits,
  type FindLogits,
} from "./logits.ts";
import { rerouteLogits } from "./reroute-logits.ts";
import { comparesInOrder, isUniform, orderOf } from "./order.ts";
import { logitsOfShare } from "./shares.ts";
import { functionAfter, responseOf, ofComplement } from "./scale.ts";

/**
 * Removes response functions. Nodes that move elements after a response are repeated on the logits. Monotonic
 * elementwise functions are dropped, and a falling one negates: 1 − σ(z) = σ(−z).
 */
export function logitFinder(analysis: Analysis): FindLogits {
  const { graph, b, siteOf } = analysis;
  const { rowOf, relevantInputs, relevantOutputs } = analysis.operators;
  const { producer } = usesOf(graph);
  const found = new Map<string, Logits | undefined>();
  return findLogits;

  /** Inputs first, by a stack of its own: networks may be thousands of nodes deep. */
  function findLogits(wanted: string): Logits | undefined {
    const stack = found.has(wanted) ? [] : [{ ...stepTo(wanted), next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.inputs[top.next++];
      if (input === undefined) {
        stack.pop();
        found.set(top.name, top.find());
      } else if (!found.has(input)) {
        found.set(input, undefined);
        stack.push({ ...stepTo(input), next: 0 });
      }
    }
    return found.get(wanted);
  }

  /** What a value's logits are found from, and how, once those of the inputs are known. */
  function stepTo(name: string): {
    readonly name: string;
    readonly inputs: readonly string[];
    readonly find: () => Logits | undefined;
  } {
    const node = producer.get(name);
    const row = node && analysis.isKnown(node) ? rowOf(node) : undefined;
    if (!row || !node || !relevantOutputs(node).includes(name))
      return { name, inputs: [], find: () => undefined };
    return {
      name,
      inputs: computedInputs(node),
      find: () => b.within(ofNode(node, "start"), () => through(node, row, name)),
    };
  }

  function computedInputs(node: Node): string[] {
    return relevantInputs(node).filter((each) => each !== "" && analysis.isComputed(b.value(each)));
  }

  function through(node: Node, row: Row, name: string): Logits | undefined {
    const site = siteOf(node);
    const parts = relevantInputs(node).filter((each) => each !== "");
    const computed = computedInputs(node);
    const [only = ""] = computed;
    // exp(log p) is a function of p, not another response.
    const isFunction = row.trend(site) !== undefined && findLogits(only)?.isWhole === true;
    if (row.response && computed.length === 1 && !isFunction)
      return beforeResponse(node, row, row.response, only);
    const inner: InnerLogits = new Map(computed.map((each) => [each, findLogits(each)]));
    const known = [...inner.values()].filter((logits) => logits !== undefined);
    const [first] = known;
    if (!first) return undefined;
    const again = row.kind === "plain" ? row.again : undefined;
    if (again) {
      // The picks are the model's own, whether or not logits would have been picked alike.
      const order = comparesInOrder(analysis, node, inner) ? first.order : undefined;
      return { ...first, order, value: again(site, first.value), isRanked: true };
    }
    const share = row.family === "quotient" ? logitsOfShare(analysis, node, findLogits) : undefined;
    if (share) return share;
    const isEvery = known.length === computed.length && known.length === parts.length;
    const isProbability = known.every(({ isWhole, scale }) => isWhole && scale.kind === "probability");
    if (row.family === "routing") return rerouteLogits(analysis, node, name, inner);
    // A maximum keeps the largest logit only if responses rank as their logits do, which several softmaxes do not.
    if (row.family === "maximum")
      return isEvery && comparesInOrder(analysis, node, inner)
        ? rerouteLogits(analysis, node, name, inner)
        : undefined;
    if (row.family === "gate" && isEvery && isProbability) return product(known, name);
    if (row.family === "sum" && isEvery) return mixedLogits(analysis, node, name, inner);
    if (row.family === "average") return averagedLogits(analysis, node, name, inner);
    const trend = computed.length === 1 ? row.trend(site) : undefined;
    if (!trend || !first.isWhole || !isSameShape(first.value, b.value(name))) return undefined;
    const isRising = trend === 1;
    const number = functionAfter(new Map([[only, first.number]]), node, b);
    return {
      ...first,
      order: isUniform(analysis, node, only) ? first.order : undefined,
      value: isRising ? first.value : (first.negated ?? b.op("Neg", [first.value])),
      negated: isRising ? first.negated : first.value,
      ...numberAndScale(isRising ? number : ofComplement(number)),
    };
  }

  function beforeResponse(node: Node, row: Row, response: Response, input: string): Logits {
    const before = findLogits(input);
    const isElementwise = row.family !== "softmax";
    const axis = isElementwise ? undefined : axisOf(analysis, node, row, b.value(node.outputs[0] ?? ""));
    return {
      value: before?.isWhole ? before.value : b.value(input),
      responses: new Set([...(before?.responses ?? []), response]),
      ...numberAndScale(responseOf(response)),
      isWhole: true,
      order: orderOf(axis, isElementwise, before?.isWhole ? before : undefined),
      isJoint: before?.isJoint ?? false,
      isRanked: before?.isRanked ?? false,
      isComplementary: false,
    };
  }

  /** A product of probabilities rises with the sum of their logits; p · (1 − p) does not. */
  function product(factors: readonly Logits[], name: string): Logits | undefined {
    const isOpposed = factors.some(({ negated }) =>
      factors.some(({ value }) => negated !== undefined && value.name === negated.name),
    );
    if (isOpposed) return undefined;
    const value = factors.map((factor) => factor.value).reduce((a, c) => b.op("Add", [a, c]));
    return isSameShape(value, b.value(name)) ? jointLogits(value, factors, responseOf("sigmoid")) : undefined;
  }
}
