/** What stands before the response functions that a value ends in. */

import type { Value } from "../onnx/graph.ts";
import type { Response } from "../relevance/row-kinds.ts";
import { scaleOf, type OfProbability, type Scale } from "./scale.ts";

/**
 * Among which elements a higher logit always means a higher number: all of them, those along one axis, which share a softmax,
 * or none for sure.
 */
export type Order = "all" | { readonly along: number } | undefined;

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
  readonly order: Order;
  /** Whether several probabilities make one number. */
  readonly isJoint: boolean;
  /** Whether elements stand in the order of their size, so that an index is a rank and no class. */
  readonly isRanked: boolean;
  /** Whether every element comes from a response. */
  readonly isWhole: boolean;
  /** Which do, where not all do and one axis tells them apart. */
  readonly part?: Part | undefined;
  /** What `value` is −1 times of, if it is a negated logit. */
  readonly negated?: Value | undefined;
  /** Whether the elements are one logit and its negative side by side: a yes-or-no question, both answers put out. */
  readonly isComplementary: boolean;
}

/** Elements along one axis: for each index whether they come from a response. */
export interface Part {
  readonly axis: number;
  readonly isResponse: readonly boolean[];
}

/** What stands before the response functions that a value ends in; undefined if it ends in none. */
export type FindLogits = (name: string) => Logits | undefined;

/** What a value's computed inputs have behind them, by their names. */
export type InnerLogits = ReadonlyMap<string, Logits | undefined>;

export const numberAndScale = (number: OfProbability | undefined): Pick<Logits, "number" | "scale"> => ({
  number,
  scale: scaleOf(number),
});

/** Logits that several others make together, so that they rank otherwise than what they make. */
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
