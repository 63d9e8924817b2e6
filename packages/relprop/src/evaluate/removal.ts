/** What is left of an answer while more and more of the input is removed, in the order of relevance. */

import { InputError } from "../errors.ts";
import { shuffled, uniformNumbers } from "../random.ts";
import { sure } from "../sure.ts";
import type { Filler } from "./baselines.ts";
import type { Cells } from "./layout.ts";

/** The number of the answer for each of these inputs, in their order. Inputs are made while earlier ones run. */
export type Scores = (inputs: Iterable<Float32Array>) => Promise<Float64Array>;

/** Which cells go first. */
export type First = "most" | "least";

/** What an answer's number means: a probability, or another value, whose sign means something. */
export type NumberKind = "probability" | "value";

/** The number of an answer that is watched. */
export interface WatchedNumber {
  /** The number for the input as it is. */
  readonly whole: number;
  /** What it means. */
  readonly kind: NumberKind;
  /** Its name. */
  readonly what: "probability" | "value" | "logit";
}

/** A curve of an answer. */
export interface Curve {
  /** How many cells are removed at each point, from none to all. */
  readonly removed: readonly number[];
  /** The number of the answer at each point. */
  readonly numbers: readonly number[];
}

/** Least probability whose shares mean anything: below, any change is a multiple of it. */
export const leastProbability = 1e-3;
/** The same for values: the least share of the largest change. */
const leastShare = 1e-3;

/**
 * The cells, most or least relevant first. Of cells with the same relevance (such as many without any) none is preferred:
 * they come in a random order that the seed determines, the same for both.
 */
export function orderOf(relevance: ArrayLike<number>, first: First, seed: number = 1): Int32Array {
  const sign = first === "most" ? -1 : 1;
  // Sorting is stable.
  return shuffled(relevance.length, uniformNumbers(seed)).sort(
    (a, c) => sign * (sure(relevance[a]) - sure(relevance[c])),
  );
}

/** So many numbers of removed cells, from none to all, as evenly as whole numbers can be. */
export function removalSteps(cells: number, steps: number): number[] {
  const all = Array.from({ length: steps + 1 }, (_, i) => Math.round((i * cells) / steps));
  return [...new Set(all)];
}

/** The inputs with the first cells of an order removed, one for each number of cells. */
export function* removedInputs(
  order: Int32Array,
  removed: readonly number[],
  { of }: Cells,
  fill: Filler,
): Generator<Float32Array> {
  const rank = new Int32Array(order.length);
  for (const [i, cell] of order.entries()) rank[cell] = i;
  const mask = new Uint8Array(of.length);
  for (const count of removed) {
    for (let place = 0; place < of.length; place++) {
      const cell = sure(of[place]);
      mask[place] = cell >= 0 && sure(rank[cell]) < count ? 1 : 0;
    }
    yield fill(mask);
  }
}

/** @throws InputError if the answer is a probability of about 0 */
export function requireShares({ kind, whole }: Omit<WatchedNumber, "what">): void {
  if (kind === "probability" && whole < leastProbability) throw tooSmall(kind, whole);
}

/**
 * What is left of an answer, f = p(x without S) / p(x). For values, whose sign tells for and against, it is
 * 1 + (v(x without S) − v(x)) / |v(x)|: the same where v(x) is above 0, and falling with v where it is below.
 * @throws InputError if p(x) is so small that shares of it mean nothing
 */
export function sharesLeft(numbers: ArrayLike<number>, whole: number, kind: NumberKind): Float64Array {
  requireShares({ kind, whole });
  const change = Array.from(numbers).reduce((most, n) => Math.max(most, Math.abs(n - whole)), 0);
  if (!Number.isFinite(change)) {
    throw new InputError({
      what: "cannot measure what is left of this answer",
      why: "the model's answer is no number where parts of the input are removed",
      fix: "choose another baseline",
    });
  }
  if (whole === 0 || Math.abs(whole) < leastShare * change) throw tooSmall(kind, whole);
  return Float64Array.from(numbers, (n) => 1 + (n - whole) / Math.abs(whole));
}

const tooSmall = (kind: NumberKind, whole: number): InputError =>
  new InputError({
    what: "cannot measure what is left of this answer",
    why: `the ${kind} of what is explained is ${Number(whole.toPrecision(2))}, and a share of that means nothing`,
    fix: "choose another class, or leave this input out",
  });

/** The mean of a curve over the number of removed cells, linear between its points: the area below it, from 0 to 1 on the x axis. */
export function meanAlong(removed: readonly number[], numbers: ArrayLike<number>): number {
  let area = 0;
  for (let i = 1; i < removed.length; i++) {
    area += ((sure(removed[i]) - sure(removed[i - 1])) * (sure(numbers[i]) + sure(numbers[i - 1]))) / 2;
  }
  return area / (sure(removed.at(-1)) - sure(removed[0]));
}
