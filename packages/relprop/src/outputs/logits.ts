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
import { sharedAxis } from "../relevance/feature-axis.ts";
import {
  after,
  mixingWeights,
  responseOf,
  isSame,
  riseOf,
  scaleOf,
  turned,
  type OfProbability,
  type Scale,
} from "./scale.ts";

/** What stands before the response functions of a value. */
export interface Logits {
  /** In the value's shape: logits where a response was taken off, the value's own elements elsewhere. */
  readonly value: Value;
  /** The response functions that were taken off. */
  readonly responses: ReadonlySet<Response>;
  /** What the value's own numbers are, where a response made them. */
  readonly scale: Scale;
  /** The same as a function of the probability that a logit stands for, if it is one. */
  readonly number: OfProbability | undefined;
  /** Whether a higher logit always means a higher number; not so where several probabilities make one. */
  readonly isOrdered: boolean;
  /** Whether elements stand in the order of their size, so that an index is a rank and no class. */
  readonly isRanked: boolean;
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
    if (again && known[0]) return { ...known[0], value: again(site, known[0].value), isRanked: true };
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
    const [logits] = known;
    if (row.family === "sum" && isEvery) return mixed(node, inner, name);
    if (row.family === "average") return averaged(node, name, inner);
    const trend = computed.length === 1 ? row.trend(site) : undefined;
    if (!trend || !logits?.isWhole || !isSameShape(logits.value, b.value(name))) return undefined;
    const isRising = trend === 1;
    const number = after(new Map([[only, logits.number]]), node, b);
    return {
      ...logits,
      value: isRising ? logits.value : (logits.negated ?? b.op("Neg", [logits.value])),
      negated: isRising ? logits.negated : logits.value,
      ...numbered(isRising ? number : turned(number)),
    };
  }

  function beforeResponse(response: Response, input: string): Logits {
    const before = behind(input);
    return {
      value: before?.isWhole ? before.value : b.value(input),
      responses: new Set([...(before?.responses ?? []), response]),
      ...numbered(responseOf(response)),
      isWhole: true,
      isOrdered: before?.isOrdered ?? true,
      isRanked: before?.isRanked ?? false,
      isComplementary: false,
    };
  }

  /** Probabilities of several members, added or averaged: their logits, averaged with the same weights. */
  function mixed(
    node: Node,
    members: ReadonlyMap<string, Logits | undefined>,
    name: string,
  ): Logits | undefined {
    const all = [...members.values()].filter((member) => member !== undefined);
    const isAlike = all.every(({ value, isWhole }) => isWhole && isSameShape(value, b.value(name)));
    const numbers = numbersOf(members);
    const weights = isAlike ? mixingWeights(numbers, node, b) : undefined;
    if (!weights) return undefined;
    const terms = [...weights].map(([each, weight]) =>
      b.op("Mul", [(members.get(each) as Logits).value, b.scalar(weight)]),
    );
    return mixture(
      terms.reduce((a, c) => b.op("Add", [a, c])),
      all,
      after(numbers, node, b),
    );
  }

  /** The same where the members were stacked and are averaged over that axis. */
  function averaged(
    node: Node,
    name: string,
    inner: ReadonlyMap<string, Logits | undefined>,
  ): Logits | undefined {
    const [[stack = "", logits] = []] = inner;
    const axis = logits?.isWhole && stackedAlong(stack);
    const made = axis === undefined ? undefined : movedOnce(node, name, inner);
    if (!logits || !made || typeof axis !== "number") return undefined;
    const { shape } = b.value(stack);
    const without = [shape.toSpliced(axis, 1), shape.with(axis, 1)];
    if (!without.some((each) => isSameShape({ shape: each }, made.value))) return undefined;
    const dims = shape.map((dim, each) => (each === axis ? (dim as number) : 1));
    const number = after(new Map([[stack, logits.number]]), node, b, dims);
    const gain = number && riseOf(number) / riseOf(logits.number as OfProbability);
    if (!gain || !(gain > 0) || !Number.isFinite(gain)) return undefined;
    const value = gain === 1 ? made.value : b.op("Mul", [made.value, b.scalar(1 / gain)]);
    return mixture(value, [logits], number);
  }

  /** The axis along which a value was put together from parts of length 1. */
  function stackedAlong(name: string): number | undefined {
    const node = producer.get(name);
    const row = node && rowOf(node);
    if (!node || !row?.joins || row.family !== "routing") return undefined;
    const axis = sharedAxis({ graph, siteOf, value: (each) => b.value(each) }, node, row, b.value(name));
    const isStack = axis !== undefined && node.inputs.every((each) => b.value(each).shape[axis] === 1);
    return isStack && node.inputs.length > 1 ? axis : undefined;
  }

  function mixture(value: Value, members: readonly Logits[], number: OfProbability | undefined): Logits {
    return {
      value,
      responses: new Set(members.flatMap(({ responses }) => [...responses])),
      ...numbered(number),
      isWhole: true,
      isOrdered: false,
      isRanked: false,
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
      ...numbered(known.map(({ number }) => number).reduce((a, c) => (isSame(a, c) ? a : undefined))),
      isOrdered: known.every(({ isOrdered }) => isOrdered),
      isRanked: known.some(({ isRanked }) => isRanked),
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
    return {
      value,
      responses,
      ...numbered(responseOf("sigmoid")),
      isWhole: true,
      isOrdered: false,
      isRanked: false,
      isComplementary: false,
    };
  }
}

const numbersOf = (
  members: ReadonlyMap<string, Logits | undefined>,
): Map<string, OfProbability | undefined> =>
  new Map([...members].map(([name, logits]) => [name, logits?.number]));

const numbered = (number: OfProbability | undefined): Pick<Logits, "number" | "scale"> => ({
  number,
  scale: scaleOf(number),
});

const isNegative = (a: Logits | undefined, c: Logits | undefined): boolean =>
  a?.negated !== undefined && a.negated.name === c?.value.name;

const isSameShape = (a: Pick<Value, "shape">, c: Pick<Value, "shape">): boolean =>
  a.shape.length === c.shape.length && a.shape.every((dim, axis) => dim === c.shape[axis]);
