/**
 * Where relevance starts. A model may end in a response function (softmax, sigmoid …) that turns logits into what it puts
 * out. Relevance starts at the logits, also where elements are moved, picked or put beside others after the response:
 *
 *     y = concat(boxes, σ(z))   ->   explained: concat(boxes, z)
 *
 * since σ(z) > 0 where z < 0 would turn every sign round, and a saturated σ has no slope (rules.md §8).
 */

import { usesOf, type Graph, type Node, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { relevantInputs, relevantOutputs, rowOf } from "../relevance/op-table.ts";
import type { Response, Row, Site } from "../relevance/row-kinds.ts";
import { scaleAfter, scaleOf, type Scale } from "./scale.ts";

/** What stands before the response functions of a value. */
export interface Logits {
  /** In the value's shape: logits where a response was taken off, the value's own elements elsewhere. */
  readonly value: Value;
  /** The response functions that were taken off. */
  readonly responses: ReadonlySet<Response>;
  /** What the value's own numbers are, where a response made them. */
  readonly scale: Scale;
  /** Whether every element comes from a response. */
  readonly isWhole: boolean;
  /** What `value` is −1 times of, if it is a negated logit. */
  readonly negated?: Value | undefined;
  /** Whether the elements are one logit and its negative side by side: a yes-or-no question, both answers put out. */
  readonly isComplementary: boolean;
}

interface Surroundings {
  readonly graph: Graph;
  /** Holds the graph; what is cloned is added to it. */
  readonly b: GraphBuilder;
  readonly siteOf: (node: Node) => Site;
}

/** What stands before the response functions that a value ends in; undefined if it ends in none. */
export type LogitsBehind = (name: string) => Logits | undefined;

/**
 * Takes response functions off. Moves behind them are made once more, on the logits; a function of single elements that
 * only rises or only falls is left out, its sign kept: 1 − σ(z) = σ(−z).
 */
export function logitFinder({ graph, b, siteOf }: Surroundings): LogitsBehind {
  const { producer } = usesOf(graph);
  const found = new Map<string, Logits | undefined>();
  return behind;

  function behind(name: string): Logits | undefined {
    if (found.has(name)) return found.get(name);
    found.set(name, undefined);
    const node = producer.get(name);
    const isKnown =
      node && [...node.inputs, ...node.outputs].every((each) => each === "" || b.values.has(each));
    const row = isKnown ? rowOf(node) : undefined;
    const logits = row && node && relevantOutputs(node).includes(name) ? through(node, row, name) : undefined;
    found.set(name, logits);
    return logits;
  }

  function through(node: Node, row: Row, name: string): Logits | undefined {
    const site = siteOf(node);
    const parts = relevantInputs(node).filter((each) => each !== "");
    const computed = parts.filter((each) => site.isComputed(b.value(each)));
    const [only = ""] = computed;
    if (row.response && computed.length === 1) return beforeResponse(row.response, only);
    const inner = new Map(computed.map((each) => [each, behind(each)]));
    const known = [...inner.values()].filter((logits) => logits !== undefined);
    if (known.length === 0) return undefined;
    const again = row.kind === "plain" ? row.again : undefined;
    if (again && known[0]) return { ...known[0], value: again(site, known[0].value) };
    if (row.family === "routing") return movedOnce(node, name, inner);
    // The largest of what rises with the logits has the largest logit; a product of probabilities has a sum of logits.
    const isEvery = known.length === computed.length && known.length === parts.length;
    if (row.family === "maximum" && isEvery) return movedOnce(node, name, inner);
    if (
      row.family === "gate" &&
      isEvery &&
      known.every(({ isWhole, scale }) => isWhole && scale.kind === "probability")
    )
      return sumOf(known, b.value(name));
    const trend = computed.length === 1 ? row.trend(site) : undefined;
    const [logits] = known;
    if (!trend || !logits?.isWhole || !isSameShape(logits.value, b.value(name))) return undefined;
    const isRising = trend === 1;
    return {
      ...logits,
      value: isRising ? logits.value : (logits.negated ?? b.op("Neg", [logits.value])),
      negated: isRising ? logits.negated : logits.value,
      scale: scaleAfter(logits.scale, node, only, b),
    };
  }

  function beforeResponse(response: Response, input: string): Logits {
    const before = behind(input);
    return {
      value: before?.isWhole ? before.value : b.value(input),
      responses: new Set([...(before?.responses ?? []), response]),
      scale: scaleOf(response),
      isWhole: true,
      isComplementary: false,
    };
  }

  /** A node made once more on the logits of what it moves. */
  function movedOnce(
    node: Node,
    name: string,
    inner: ReadonlyMap<string, Logits | undefined>,
  ): Logits | undefined {
    if (node.body || node.domain !== "") return undefined;
    const made = (valueOf: (logits: Logits) => Value): Value => {
      const inputs = node.inputs.map((each) => {
        const logits = inner.get(each);
        return each === "" ? undefined : logits ? valueOf(logits) : b.value(each);
      });
      return b.ops(node.opType, inputs, node.attributes, node.outputs.length)[
        node.outputs.indexOf(name)
      ] as Value;
    };
    const joined = [...inner.values()];
    const known = joined.filter((logits) => logits !== undefined);
    const [first, second] = known;
    const isPair = joined.length === 2 && known.length === 2;
    return {
      value: made(({ value }) => value),
      negated: joined.length === 1 && first?.negated ? made(({ negated }) => negated as Value) : undefined,
      isComplementary:
        (isPair && (isNegative(first, second) || isNegative(second, first))) ||
        (joined.length === 1 && first?.isComplementary === true),
      responses: new Set(known.flatMap(({ responses }) => [...responses])),
      scale: known
        .map(({ scale }) => scale)
        .reduce((a, c) => (a.kind === c.kind && a.by === c.by ? a : { kind: "value" })),
      isWhole:
        known.length === joined.length && known.every(({ isWhole }) => isWhole) && !hasConstants(node, inner),
    };
  }

  function hasConstants(node: Node, inner: ReadonlyMap<string, unknown>): boolean {
    return (
      rowOf(node)?.joins === true && relevantInputs(node).some((each) => each !== "" && !inner.has(each))
    );
  }

  function sumOf(terms: readonly Logits[], product: Value): Logits | undefined {
    const value = terms.map((term) => term.value).reduce((a, c) => b.op("Add", [a, c]));
    if (!isSameShape(value, product)) return undefined;
    const responses = new Set(terms.flatMap((term) => [...term.responses]));
    const scale = { kind: "probability", by: "sigmoid" } as const;
    return { value, responses, scale, isWhole: true, isComplementary: false };
  }
}

const isNegative = (a: Logits | undefined, c: Logits | undefined): boolean =>
  a?.negated !== undefined && a.negated.name === c?.value.name;

const isSameShape = (a: Value, c: Value): boolean =>
  a.shape.length === c.shape.length && a.shape.every((dim, axis) => dim === c.shape[axis]);
