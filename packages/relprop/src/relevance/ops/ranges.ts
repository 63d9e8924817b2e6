/**
 * Interval arithmetic: the range of an output from the ranges of its inputs. It finds which values computed from gates are
 * gates themselves: 1 − σ(z), 2·σ(z), a product of two.
 */

import type { Node } from "../../onnx/graph.ts";

export type Range = readonly [low: number, high: number];

/** Maps the ranges of a node's inputs to that of its output. `undefined` is unknown; an absent input is 0. */
export type Ranged = (inputs: readonly (Range | undefined)[], node: Node) => Range | undefined;

export const zero: Range = [0, 0];
/** From closed to open. */
export const unit: Range = [0, 1];

/** The smallest range that holds all of these. */
const hull = (numbers: readonly number[]): Range => [Math.min(...numbers), Math.max(...numbers)];

/** The range of f, which is monotone in each of its two numbers. */
const combined =
  (f: (a: number, b: number) => number): Ranged =>
  ([a, b]) =>
    a && b ? hull(a.flatMap((left) => b.map((right) => f(left, right)))) : undefined;

const areKnown = (ranges: readonly (Range | undefined)[]): ranges is readonly Range[] =>
  ranges.every((range) => range !== undefined);

/** y = x, rounded or averaged; zeros that a border adds to a mean change no sign. */
export const asInput: Ranged = ([x]) => x;
/** y is made of elements of these inputs. */
export const asParts =
  (parts: readonly number[] | undefined): Ranged =>
  (inputs) => {
    const ranges = parts ? parts.map((index) => inputs[index]) : inputs;
    return areKnown(ranges) ? hull(ranges.flat()) : undefined;
  };
export const negated: Ranged = ([x]) => x && [-x[1], -x[0]];
export const added: Ranged = (inputs) =>
  areKnown(inputs)
    ? inputs.reduce<Range>(([low, high], each) => [low + each[0], high + each[1]], zero)
    : undefined;
export const subtracted: Ranged = combined((a, b) => a - b);
export const multiplied: Ranged = combined((a, b) => a * b);
/** y = a / b, where b cannot be 0. */
export const divided: Ranged = ([a, b], node) =>
  b && b[0] * b[1] > 0 ? combined((p, q) => p / q)([a, b], node) : undefined;
/** y = xⁿ for one whole n above 0. An even power is lowest at 0. */
export const raised: Ranged = ([x, exponent]) => {
  const [n, highest] = exponent ?? [];
  if (!x || n === undefined || n !== highest || !Number.isInteger(n) || n <= 0) return undefined;
  const ends = x.map((number) => number ** n);
  return hull(n % 2 === 0 && x[0] < 0 && x[1] > 0 ? [...ends, 0] : ends);
};
/** y = a·x + c */
export const mapped: Ranged = ([x, a, c], node) => added([multiplied([x, a], node), c], node);
