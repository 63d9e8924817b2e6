/** One direction of a recurrent layer: what its steps read, and what they put out, for all steps at once. */

import { numberAttribute, int, stringAttribute, type Value } from "../../../onnx/graph.ts";
import type { GraphBuilder } from "../../../onnx/graph-builder.ts";
import { numbersOf } from "../../../onnx/tensor.ts";
import { sure } from "../../../sure.ts";
import type { Site } from "../../site.ts";
import { Calculus, indicator } from "../calculus.ts";
import { filled, sizeAt, vectorOf } from "../shapes.ts";
import { cellActivations, type CellActivation } from "./activations.ts";

/** A direction of a node, with T steps, N samples, H hidden units and k gates. */
export interface Sequence {
  readonly b: GraphBuilder;
  readonly c: Calculus;
  readonly site: Site;
  /** Whether its first step is the last of the sequence. */
  readonly isReverse: boolean;
  /** The node's input, 0 at steps that are padding: [T, N, features]. */
  readonly x: Value;
  /** The outputs [T, N, H], and those of the step before each. */
  readonly h: Value;
  readonly hBefore: Value;
  /** The weights of the input [kH, features] and of the state [kH, H]. */
  readonly inputWeights: Value;
  readonly stateWeights: Value;
  /** Their biases [kH]; undefined if the node has none. */
  readonly inputBias: Value | undefined;
  readonly stateBias: Value | undefined;
  readonly gates: number;
  /** Whether a step is one of the sample and no padding, [T, N, 1] as 1 or 0; undefined if all are. */
  readonly mask: Value | undefined;
  /** The same as booleans. */
  readonly isStep: Value | undefined;
  readonly activations: readonly CellActivation[];
  /** An optional input with an axis of directions, for this direction. */
  readonly given: (index: number) => Value | undefined;
  /** A sequence [T, N, H] one step later, with the state before the first step [N, H] in front; 0 if that is absent. */
  readonly before: (values: Value, initial: Value | undefined) => Value;
  /** Zeros in the shape of a state, [N, H]. */
  readonly noState: () => Value;
}

/** How many directions a node has. */
export const directionsOf = ({ node }: Pick<Site, "node">): number =>
  stringAttribute(node, "direction", "forward") === "bidirectional" ? 2 : 1;

/** The places of the inputs and outputs that all recurrent layers have. */
export const at = { x: 0, weights: 1, recurrence: 2, bias: 3, lengths: 4, state: 5, memory: 6, peepholes: 7 };

/** The part of a tensor at one index of an axis, without that axis. */
export function pick(b: GraphBuilder, v: Value, index: number, axis: number): Value {
  if (v.shape[axis] === 1) return b.op("Squeeze", [v, b.integers([axis])]);
  return b.op("Gather", [v, b.integer(index)], { axis: int(axis) });
}

/** v cut into equal parts along an axis. */
export const cut = (b: GraphBuilder, v: Value, count: number, axis: number): readonly Value[] =>
  count === 1 ? [v] : (b.ops("Split", [v], { axis: int(axis) }, count as number) as readonly Value[]);

/**
 * Whether each step is one of its sample, as [T, N, 1]; undefined if that is known of all.
 * @param lengths [N]
 */
function stepsOf(b: GraphBuilder, x: Value, lengths: Value | undefined): Value | undefined {
  const steps = x.shape[0];
  const isFull = (length: unknown): boolean => length === steps;
  if (!lengths || (lengths.constant && Array.from(numbersOf(lengths.constant)).every(isFull)))
    return undefined;
  const count = sizeAt(b, x, 0);
  const end = typeof count === "number" ? b.integer(count) : b.op("Squeeze", [count]);
  const step = b.op("Range", [b.integer(0), end, b.integer(1)]);
  const column = b.op("Unsqueeze", [step, b.integers([1])]);
  const isStep = b.op("Less", [column, b.op("Cast", [lengths], { to: int(7) })]);
  return b.refine(b.op("Unsqueeze", [isStep, b.integers([2])]), [sure(steps), sure(x.shape[1]), 1]);
}

/**
 * The direction of a node.
 * @param gates how many gates its weights have
 * @param usual its activations unless the node names others
 */
export function sequenceOf(
  site: Site,
  direction: number,
  { gates, usual }: { readonly gates: number; readonly usual: readonly string[] },
): Sequence {
  const { b, node, inputs } = site;
  const c = new Calculus(b);
  const directions = directionsOf(site);
  const isReverse = direction === 1 || stringAttribute(node, "direction", "forward") === "reverse";
  const isStep = stepsOf(b, site.input(at.x), inputs[at.lengths]);
  const given = (index: number): Value | undefined => {
    const value = inputs[index];
    return value && pick(b, value, direction, 0);
  };
  const h = pick(b, site.output(0), direction, 1);
  const [, samples = 1, hidden = 1] = h.shape;
  const before = (values: Value, initial: Value | undefined): Value => {
    // Where a sequence runs backwards, padding is before its first step.
    const whole = isStep && initial ? c.where(isStep, values, initial) : values;
    const first = initial
      ? b.op("Unsqueeze", [initial, b.integers([0])])
      : filled(b, 0, [1, samples, hidden], values);
    const [from, to] = isReverse ? [1, Number.MAX_SAFE_INTEGER] : [0, -1];
    const rest = b.op("Slice", [whole, b.integers([from]), b.integers([to]), b.integers([0])]);
    const joined = b.op("Concat", isReverse ? [rest, first] : [first, rest], { axis: int(0) });
    return b.refine(joined, values.shape);
  };
  const biases = given(at.bias);
  const [inputBias, stateBias] = biases ? cut(b, biases, 2, 0) : [];
  const x = isStep ? c.where(isStep, site.input(at.x), 0) : site.input(at.x);
  return {
    b,
    c,
    site,
    isReverse,
    x,
    h,
    hBefore: before(h, given(at.state)),
    inputWeights: sure(given(at.weights)),
    stateWeights: sure(given(at.recurrence)),
    inputBias,
    stateBias,
    gates,
    mask: isStep && indicator(b, isStep),
    isStep,
    activations: cellActivations(node, usual, {
      direction,
      directions,
      clip: numberAttribute(node, "clip", 0),
    }),
    given,
    before,
    noState: () => b.op("ConstantOfShape", [vectorOf(b, [sizeAt(b, h, 1), sizeAt(b, h, 2)])]),
  };
}
