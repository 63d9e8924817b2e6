/** The logits from which response functions compute a value. */

import type { Value } from "../onnx/graph.ts";
import type { Response } from "../relevance/row-kinds.ts";
import { scaleOf, type OfProbability, type Scale } from "./scale.ts";

/**
 * The elements that rank as their logits do: all, only those along one axis (they share a softmax), or unknown.
 */
export type Order = "all" | { readonly along: number } | undefined;

/** The logits of a value. */
export interface Logits {
  /** In the value's shape: logits where a response was removed, the value's own elements elsewhere. */
  readonly value: Value;
  /** The response functions that were removed. */
  readonly responses: ReadonlySet<Response>;
  /** The scale of the value's own numbers, where they come from a response. */
  readonly scale: Scale;
  /** The value as a function of the probability that its logit stands for, if known. */
  readonly number: OfProbability | undefined;
  readonly order: Order;
  /** Whether each number combines several probabilities. */
  readonly isJoint: boolean;
  /** Whether elements are sorted by size: an index is then a rank, not a class. */
  readonly isRanked: boolean;
  /** Whether every element comes from a response. */
  readonly isWhole: boolean;
  /** The elements that do, if only some do and one axis tells them apart. */
  readonly part?: Part | undefined;
  /** −`value`, if that is in the graph because `value` is a negated logit. */
  readonly negated?: Value | undefined;
  /** Whether the elements are one logit and its negative: both answers to a yes-or-no question. */
  readonly isComplementary: boolean;
}

/** For each index along an axis, whether its elements come from a response. */
export interface Part {
  readonly axis: number;
  readonly isResponse: readonly boolean[];
}

/** Gives the logits of a value by its name; undefined if it does not come from a response. */
export type FindLogits = (name: string) => Logits | undefined;

/** The logits of a node's computed inputs, by name. */
export type InnerLogits = ReadonlyMap<string, Logits | undefined>;

export const numberAndScale = (number: OfProbability | undefined): Pick<Logits, "number" | "scale"> => ({
  number,
  scale: scaleOf(number),
});

/** Logits that combine those of several members. They need not rank as the output does. */
export const jointLogits = (
  value: Value,
  members: readonly Logits[],
  number: OfProbability | undefined,
): Logits => ({
  value,
  responses: new Set(members.flatMap(({ responses }) => [...responses])),
  ...numberAndScale(number),
  isWhole: true,
  order: undefined,
  isJoint: true,
  isRanked: false,
  isComplementary: false,
});

export const isSameShape = (a: Pick<Value, "shape">, c: Pick<Value, "shape">): boolean =>
  a.shape.length === c.shape.length && a.shape.every((dim, axis) => dim === c.shape[axis]);
