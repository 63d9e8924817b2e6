/** Makes the layers that rules work on from nodes and their rows. */

import type { Value } from "../onnx/graph.ts";
import type { Algebra, Term } from "./algebra.ts";
import type { Stabilizer } from "./stabilizer.ts";
import type { Strides } from "./stride-modes.ts";
import { expandLike, filled, sumTo } from "./ops/shapes.ts";
import type { LinearRow, PlainRow } from "./row-kinds.ts";
import type { Site } from "./site.ts";
import type { LinearLayer, Part, PlainLayer } from "./rules/index.ts";
import { sure } from "../sure.ts";

/** Names the nodes of an operator's transpose. */
export const asTranspose = <T>({ b }: Site, build: () => T): T => b.within("transpose", build);

const unstable: Stabilizer = { epsilon: 0, kind: "add" };

/** One division of relevance by a denominator, for the ledger: R = s ⊙ (parts + bias + stabilizer). */
export interface Share {
  /** The relevance to share. */
  readonly R: Value;
  /** R / denominator */
  readonly s: Value;
  /** The bias in the denominator, in a shape that broadcasts over s. */
  readonly bias: Term;
  /** The stabilizer in the denominator, ±ε. */
  readonly stabiliser: Term;
  /** Booleans: where R cannot be shared, as the denominator is only stabilizer, or infinite (a mask of −∞). */
  readonly isUnshareable: Value;
}

/** The context of a layer: its node, the arithmetic and the list of divisions. */
export interface LayerContext {
  readonly site: Site;
  readonly m: Algebra;
  /** Collects every division; undefined without a ledger, for which nothing is then built. */
  readonly shares: Share[] | undefined;
}

/** R / S(n·z), recorded once even if several inputs of a node need it. */
function shareOut(
  { m, shares }: LayerContext,
  R: Value,
  whole: Term,
  bias: Term,
  stabilizer: Stabilizer,
  n = 1,
): Value {
  const z = whole && m.openPart(R, whole, stabilizer);
  const s = m.share(R, z, stabilizer, n);
  if (z && shares && !shares.some((share) => share.s === s)) {
    const isUnshareable = m.either(m.isZero(z), m.isInfinite(z));
    shares.push({ R, s, bias, stabiliser: m.stabiliser(z, stabilizer, n), isUnshareable });
  }
  return s;
}

/** A node with weights, for the linear rules. */
export function linearLayer(row: LinearRow, strides: Strides, context: LayerContext): LinearLayer {
  const { site, m, shares } = context;
  const averaged = strides === "exact" ? undefined : row.averaged?.(site, strides);
  const operator = averaged ?? row.operator(site);
  const { x, weights, bias, biasShape, placeBias } = operator;
  const forward: LinearLayer["forward"] = (v, W, b) =>
    v && W && site.b.within("forward", () => operator.forward(v, W, b));
  const placed = (b: Term): Term => (b && shares && placeBias ? placeBias(b) : b);
  return {
    x,
    weights,
    bias,
    z: () => (averaged ? sure(forward(x, weights, bias)) : site.output(0)),
    isAsComputed: !averaged,
    fanIn: operator.fanIn ?? 0,
    forward,
    pullBack: (s, W) => s && W && asTranspose(site, () => operator.pullBack(s, W)),
    share: (R, z, b, stabilizer) => shareOut(context, R, z, placed(b), stabilizer),
    shareOfPositive(R, parts, b, stabilizer) {
      const { total, offset } = sumOfPositive(parts, b, stabilizer);
      if (!total || offset === 0) return shareOut(context, R, total, placed(b), stabilizer);
      return shareOfStable(R, total, m.isAtMost(total, offset), b, offset);
    },
    shareOfRest(R, parts, b, rest, stabilizer) {
      const { total, offset } = sumOfPositive(parts, b, stabilizer);
      const left = sure(m.subtract(site.outputs[0], total));
      // The ε in the sum also keeps the rest of z from 0: S(d) = d − ε for d ≤ 0.
      if (offset > 0 && stabilizer.kind === "add") {
        const d = m.atMost(left, -offset);
        return shareOfStable(R, d, m.isAtLeast(d, -offset), rest, -offset);
      }
      const d = m.negative(m.add(left, offset > 0 ? m.scalar(offset) : undefined));
      return shareOut(context, R, d, placed(rest), stabilizer);
    },
    sumOfPositive: (parts, b) => sumOfPositive(parts, b, unstable).total,
  };

  /** R / d for a d that contains its stabilizer. */
  function shareOfStable(R: Value, d: Value, isUnshareable: Value, b: Term, stabiliser: number): Value {
    const s = m.divide(R, d);
    shares?.push({ R, s, bias: placed(b), stabiliser: m.scalar(stabiliser), isUnshareable });
    return s;
  }

  /** Σ_k W_k x_k + b + offset, of non-negative parts. The offset is ε if the operator's bias can hold it, else 0. */
  function sumOfPositive(
    parts: readonly Part[],
    b: Term,
    { epsilon, kind }: Stabilizer,
  ): { readonly total: Term; readonly offset: number } {
    const [first, ...rest] = parts.filter(([v, W]) => v && W);
    if (!first) return { total: undefined, offset: 0 };
    const inBias = biasShape !== undefined && epsilon > 0 && (kind === "add" || kind === "unsigned");
    const offset = inBias
      ? (m.add(b, b && m.scalar(epsilon)) ?? filled(site.b, epsilon, biasShape, weights))
      : b;
    const start = forward(first[0], first[1], offset);
    const total = m.nonNegative(rest.reduce((sum, [v, W]) => m.add(sum, forward(v, W)), start));
    return { total, offset: inBias ? epsilon : 0 };
  }
}

/**
 * A node without weights, for the plain rules.
 * @param index index of the input that gets relevance
 * @param averaged replaces the operator if strides are averaged
 * @param R the relevance of the output, if known facts about it may save nodes
 */
export function plainLayer(
  row: PlainRow,
  index: number,
  averaged: ReturnType<NonNullable<PlainRow["averaged"]>> | undefined,
  context: LayerContext,
  R?: Value,
): PlainLayer {
  const { site, m } = context;
  const input = site.input(index);
  const x = shareBasis(row, input, R, context);
  // An average of non-negative elements is not negative.
  if (averaged && m.isNonNegative(x)) m.nonNegative(averaged.y);
  const y = averaged?.y ?? site.output(0);
  const back = averaged?.pullBack ?? ((s: Value): Value => row.pullBack(site, s, index));
  const gradient = (s: Value): Value => asTranspose(site, () => back(s));
  const { frozen, pullBackLog } = row;
  const pullBack = frozen ? (s: Value): Value => asTranspose(site, () => frozen(site, s, index)) : gradient;
  return {
    x,
    y,
    gradient,
    pullBackShare(R, stabilizer, n = 1) {
      if (pullBackLog) return asTranspose(site, () => pullBackLog(site, R, index));
      return pullBack(shareOut(context, R, y, row.bias?.(site), stabilizer, n));
    },
    isGate: row.gateInput === undefined ? site.isGate(input) : row.gateInput === index,
    isElementwise: row.elementwise,
    // Counted when a rule asks: a sum of n inputs has n layers.
    get factors() {
      return site.inputs.filter((value) => value && site.isComputed(value)).length;
    },
    collect: (R) => sumTo(site.b, R, input),
    whole: (v) => expandLike(site.b, v, input),
  };
}

/** The value that shares are proportional to. */
function shareBasis(row: PlainRow, input: Value, R: Term, { site, m }: LayerContext): Value {
  if (R && row.finite && m.vanishes(R, site.output(0))) return m.standsFor(row.finite(site), input);
  return row.active?.(site) ?? input;
}

/**
 * The layer with a finite input, for the ledger: an input that does not depend on the explained one may be a mask of −∞,
 * whose share would be NaN.
 */
export const withFiniteInput = (layer: PlainLayer, m: Algebra): PlainLayer => ({
  ...layer,
  x: m.finite(layer.x),
});

/**
 * The layer of a constant that is joined to computed inputs (Add, Concat), for the ledger: its share in the full shape of
 * the output, even if the constant broadcasts.
 */
export function constantLayer(row: PlainRow, index: number, context: LayerContext): PlainLayer {
  const layer = withFiniteInput(plainLayer(row, index, undefined, context), context.m);
  if (!row.elementwise) return layer;
  const { site } = context;
  const full = expandLike(site.b, site.input(index), site.output(0));
  const whole = { ...site, inputs: site.inputs.with(index, full) };
  const pullBackShare: PlainLayer["pullBackShare"] = (R, stabilizer) =>
    row.pullBack(whole, shareOut(context, R, layer.y, undefined, stabilizer), index);
  return { ...layer, pullBackShare, gradient: (s) => row.pullBack(whole, s, index), whole: (v) => v };
}
