/** The way back through the steps of a sequence: the relevance of states goes from step to step, and nothing else does. */

import type { Value } from "../../../onnx/graph.ts";
import type { GraphBuilder } from "../../../onnx/graph-builder.ts";
import { scan } from "../../../onnx/scan.ts";
import { sure } from "../../../sure.ts";
import { scaled, type CellRule, type Factor } from "../../cells.ts";
import { joined, weightsOf, type Cell, type Part, type Source } from "./cell.ts";
import type { Sequence } from "./sequence.ts";

/** Relevance that arrives at a direction; undefined is zero. */
export interface Arriving {
  /** Of each step's output, [T, N, H], 0 at padding. */
  readonly y: Value | undefined;
  /** Of the last output and the last memory, [N, H]. */
  readonly h: Value | undefined;
  readonly c: Value | undefined;
}

/** All relevance that arrives at a step's values, from outside and from later steps: [T, N, H], 0 at padding. */
export type Relevance = Readonly<Record<Source, Value | undefined>>;

/** Relevance after the sweep. */
export interface Swept {
  readonly relevance: Relevance;
  /** Of the state and the memory before the first step, [N, H]. */
  readonly state: Value;
  readonly memory: Value | undefined;
}

/** The sum of values; undefined if there are none. */
const sumOf = (b: GraphBuilder, ...values: readonly (Value | undefined)[]): Value | undefined =>
  values.reduce((sum, value) => (sum && value ? b.op("Add", [sum, value]) : (sum ?? value)), undefined);

/** Wᵀs for the s of some gates; undefined if nothing goes through them. */
export function transposed(
  b: GraphBuilder,
  sequence: Sequence,
  weights: Value,
  parts: readonly Part[],
  relevance: Relevance,
): Value | undefined {
  const there = parts.flatMap((part) => {
    const R = relevance[part.from];
    const s = R && scaled(b, R, part.factor);
    return s ? [{ part, s }] : [];
  });
  if (there.length === 0) return undefined;
  const s = joined(
    b,
    there.map((each) => each.s),
    -1,
  );
  const rows = weightsOf(
    sequence,
    weights,
    there.map((each) => each.part),
  );
  return b.op("MatMul", [s, rows]);
}

/** What comes out of the transpose of the nested product. */
const unnested = (b: GraphBuilder, of: Sequence, { nested }: Cell, relevance: Relevance): Value | undefined =>
  nested && transposed(b, of, of.stateWeights, [nested.part], relevance);

/** The cell with other factors for the state. */
function withFactors(cell: Cell, change: (factor: Factor) => Factor): Cell {
  const changed = (part: Part): Part => ({ ...part, factor: change(part.factor) });
  const { nested, memory } = cell;
  return {
    ...cell,
    toMemory: change(cell.toMemory),
    memory: memory === undefined ? undefined : change(memory),
    direct: change(cell.direct),
    nested: nested && { part: changed(nested.part), toState: change(nested.toState) },
    forState: cell.forState.map(changed),
  };
}

/** Takes relevance from the last step to the first. Where a sample has padding, its states' relevance waits. */
export function sweep(sequence: Sequence, cell: Cell, rule: CellRule, arriving: Arriving): Swept {
  const { b, isReverse, mask, stateWeights, hBefore } = sequence;
  const hasMemory = cell.memory !== undefined;
  const before = rule.part(hBefore);
  const sequences: Value[] = [];
  const note = (factor: Factor): Factor => {
    const isScanned = typeof factor !== "number" && factor.shape.length === hBefore.shape.length;
    if (isScanned && !sequences.includes(factor)) sequences.push(factor);
    return factor;
  };
  withFactors(cell, note);
  for (const value of [before, arriving.y, mask]) if (value !== undefined) note(value);
  // A sequence says how many rounds there are.
  if (sequences.length === 0) note(hBefore);

  const { state, collected } = scan(
    b,
    {
      state: [arriving.h ?? sequence.noState(), ...(hasMemory ? [arriving.c ?? sequence.noState()] : [])],
      sequences,
      isBackward: !isReverse,
    },
    (inner, [later, laterMemory], slices) => {
      const at = <F extends Factor>(factor: F): F | Value =>
        typeof factor === "number" ? factor : (slices[sequences.indexOf(factor)] ?? factor);
      const step = withFactors(cell, at);
      const only = (v: Value): Value => (mask ? inner.op("Mul", [v, at(mask)]) : v);
      const waiting = (all: Value, taken: Value): Value | undefined => mask && inner.op("Sub", [all, taken]);
      const zeros = (like: Value): Value => inner.op("Mul", [like, inner.scalar(0)]);

      const allState = sure(sumOf(inner, later, arriving.y && at(arriving.y)));
      const h = only(allState);
      const allMemory = laterMemory && sure(sumOf(inner, laterMemory, scaled(inner, h, step.toMemory)));
      const c = allMemory && only(allMemory);
      const direct: Relevance = { h, c, nested: undefined };
      const nested = unnested(inner, sequence, step, direct);
      const back = transposed(inner, sequence, stateWeights, step.forState, { ...direct, nested });
      const next = sumOf(
        inner,
        back && scaled(inner, back, at(before)),
        nested && step.nested && scaled(inner, nested, step.nested.toState),
        scaled(inner, h, step.direct),
        waiting(allState, h),
      );
      const nextMemory =
        c && allMemory && sumOf(inner, scaled(inner, c, step.memory ?? 0), waiting(allMemory, c));
      return {
        state: [next ?? zeros(later as Value), ...(c ? [nextMemory ?? zeros(c)] : [])],
        collected: c ? [h, c] : [h],
      };
    },
  );
  const direct: Relevance = { h: collected[0], c: collected[1], nested: undefined };
  return {
    relevance: { ...direct, nested: unnested(b, sequence, cell, direct) },
    state: state[0] as Value,
    memory: state[1],
  };
}
