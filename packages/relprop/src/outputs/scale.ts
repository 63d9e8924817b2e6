/** The scale of an output: probabilities, log-probabilities, logits or plain values. */

import type { Node } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { float32Tensor, numbersOf, sizeOf } from "../onnx/tensor.ts";
import type { Response } from "../relevance/row-kinds.ts";
import { sureNumber } from "../sure.ts";
import { computedBy } from "./computed.ts";

/** The meaning of a number. `by` says whether probabilities exclude each other (softmax) or not (sigmoid). */
export type Scale =
  | { readonly kind: "probability" | "log-probability"; readonly by: "softmax" | "sigmoid" }
  | { readonly kind: "value"; readonly by?: undefined };

/** The scale of the output's own numbers. The function `by` turns a logit into a probability. */
export type OutputScale = Scale | { readonly kind: "logit"; readonly by: "softmax" | "sigmoid" };

/** An increasing function of a probability p, given by its values at a few points. */
export interface OfProbability {
  readonly by: "softmax" | "sigmoid";
  /** Its values at p = 0, 1/e, 1 − 1/e and 1. */
  readonly images: readonly number[];
}

/** How much a function of a probability rises from p = 0 to p = 1. */
export const riseOf = ({ images }: OfProbability): number =>
  sureNumber(images.at(-1)) - sureNumber(images[0]);

/** Points that tell p and log p apart. The map p -> 1 − p reverses their order. */
const points = [0, Math.exp(-1), 1 - Math.exp(-1), 1];
const logarithm = points.map(Math.log);

/** A decreasing function of p as an increasing function of 1 − p. */
export const ofComplement = (number: OfProbability | undefined): OfProbability | undefined =>
  number && { ...number, images: number.images.toReversed() };

/** Response functions as functions of the probability that the logit stands for. Softplus is −log(1 − σ). */
const responses: Readonly<Record<Response, OfProbability | undefined>> = {
  softmax: { by: "softmax", images: points },
  "log-softmax": { by: "softmax", images: logarithm },
  sigmoid: { by: "sigmoid", images: points },
  "hard-sigmoid": { by: "sigmoid", images: points },
  softplus: { by: "sigmoid", images: logarithm.map((n) => -n).toReversed() },
  exp: undefined,
};

export const responseOf = (response: Response): OfProbability | undefined => responses[response];

/** Allows for responses that are clipped close to 0 and 1 to avoid infinite losses. */
const tolerance = 0.01;

/** Whether two functions are equal, to the precision of float32. */
export const isSame = (a: OfProbability | undefined, c: OfProbability | undefined): boolean =>
  a === c ||
  (a?.by === c?.by &&
    a?.images.every((image, i) => {
      const other = sureNumber(c?.images[i]);
      return image === other || Math.abs(image - other) <= 1e-6;
    }) === true);

/** The scale of a function of a probability. */
export function scaleOf(number: OfProbability | undefined): Scale {
  if (!number) return { kind: "value" };
  const { by, images } = number;
  const isLike = (wanted: readonly number[]): boolean =>
    images.every((image, i) => {
      const want = sureNumber(wanted[i]);
      return want === -Infinity ? image < -4 : Math.abs(image - want) <= tolerance;
    });
  if (isLike(points)) return { kind: "probability", by };
  return isLike(logarithm) ? { kind: "log-probability", by } : { kind: "value" };
}

/**
 * The output of a node whose inputs each repeat one number; NaN if it cannot be computed, or elements differ.
 * @param dims shape of the inputs
 */
function computed(
  node: Node,
  numbers: ReadonlyMap<string, number>,
  b: GraphBuilder,
  dims: readonly number[] = [],
): number {
  const size = sizeOf(dims);
  const result = computedBy(node, (name) => {
    const number = numbers.get(name);
    if (number === undefined) return b.value(name).constant;
    return float32Tensor(
      Array.from({ length: size }, () => number),
      dims,
    );
  });
  if (!result || result.dataType === "string") return Number.NaN;
  const [first = Number.NaN, ...rest] = Array.from(numbersOf(result));
  return rest.every((n) => n === first) ? first : Number.NaN;
}

/**
 * A node's output as a function of a probability, computed at the points.
 * @param numbers its inputs by name, as functions of a probability
 */
export function functionAfter(
  numbers: ReadonlyMap<string, OfProbability | undefined>,
  node: Node,
  b: GraphBuilder,
  dims?: readonly number[],
): OfProbability | undefined {
  const [first, ...rest] = numbers.values();
  if (!first || rest.some((number) => number?.by !== first.by)) return undefined;
  const images = points.map((_, i) => {
    const at = [...numbers].map(([name, number]) => [name, number?.images[i]] as [string, number]);
    return computed(node, new Map(at), b, dims);
  });
  return images.some(Number.isNaN) ? undefined : { by: first.by, images };
}

/**
 * The weights with which a node mixes functions of probabilities, normalised to sum 1: how much it rises with each.
 * Undefined if it does not rise with each by a finite amount.
 */
export function mixingWeights(
  numbers: ReadonlyMap<string, OfProbability | undefined>,
  node: Node,
  b: GraphBuilder,
): Map<string, number> | undefined {
  const names = [...numbers.keys()];
  const at = (risen?: string): number => {
    const place = (name: string): number => (name === risen ? points.length - 1 : 0);
    const images = names.map((name) => [name, numbers.get(name)?.images[place(name)]] as [string, number]);
    return computed(node, new Map(images), b);
  };
  const rises = names.map((name) => at(name) - at());
  if (!rises.every((rise) => rise > 0 && Number.isFinite(rise))) return undefined;
  const total = rises.reduce((a, n) => a + n, 0);
  return new Map(names.map((name, i) => [name, sureNumber(rises[i]) / total]));
}
