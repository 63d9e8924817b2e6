/** A node, seen through its row, as the layer that rules work on: where operators and rules meet. */

import type { Value } from "../onnx/graph.ts";
import type { Algebra, Stabilizer, Term } from "./algebra.ts";
import type { Strides } from "./composites.ts";
import { expandLike, filled, sumTo } from "./ops/shapes.ts";
import type { LinearRow, PlainRow } from "./row-kinds.ts";
import type { Site } from "./site.ts";
import type { LinearLayer, Part, PlainLayer } from "./rules/index.ts";
import { sure } from "../sure.ts";

/** Names what an operator's transpose is made of. */
export const asTranspose = <T>({ b }: Site, build: () => T): T => b.within("transpose", build);

const unstable: Stabilizer = { epsilon: 0, kind: "add" };

/** One division of relevance by a denominator, as the ledger needs to see it: R = s ⊙ (parts + bias + stabiliser). */
export interface Share {
  /** The relevance that is shared out. */
  readonly R: Value;
  /** R / denominator */
  readonly s: Value;
  /** What in the denominator is bias, in a shape that broadcasts over s. */
  readonly bias: Term;
  /** What in the denominator is stabiliser, ±ε. */
  readonly stabiliser: Term;
  /**
   * Where the denominator is nothing but stabiliser, or infinite (a mask of −∞), as booleans: there is nothing to share
   * R among.
   */
  readonly isUnshareable: Value;
}

/** What builds a layer: the node and its row's words, and who wants to hear of each division. */
export interface LayerContext {
  readonly site: Site;
  readonly m: Algebra;
  /** Collects every division; undefined where no ledger is kept, and then nothing is built for it. */
  readonly shares: Share[] | undefined;
}

/** R / S(n·z), entered among the shares: once, also if several inputs of a node ask for it. */
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
  const averaged = strides === "average" ? row.averaged?.(site) : undefined;
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
      // What was added to the sum to keep it from 0 keeps what is left of z from 0, too: S(d) = d − ε for d ≤ 0.
      if (offset > 0 && stabilizer.kind === "add") {
        const d = m.atMost(left, -offset);
        return shareOfStable(R, d, m.isAtLeast(d, -offset), rest, -offset);
      }
      const d = m.negative(m.add(left, offset > 0 ? m.scalar(offset) : undefined));
      return shareOut(context, R, d, placed(rest), stabilizer);
    },
    sumOfPositive: (parts, b) => sumOfPositive(parts, b, unstable).total,
  };

  /** R / d for a d that is stable already, by a part of it. */
  function shareOfStable(R: Value, d: Value, isUnshareable: Value, b: Term, stabiliser: number): Value {
    const s = m.divide(R, d);
    shares?.push({ R, s, bias: placed(b), stabiliser: m.scalar(stabiliser), isUnshareable });
    return s;
  }

  /** Σ_k W_k x_k + b + offset, of what cannot be negative. The offset is ε where the operator's bias can take it, else 0. */
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
 * @param index the input that relevance goes to
 * @param averaged what stands in for the operator where strides are averages
 * @param R the relevance that arrives, if what is known of it may spare something
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
  // What stands in is an average: of what cannot be negative, it cannot be negative either.
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
    factors: site.inputs.filter((value) => value && site.isComputed(value)).length,
    collect: (R) => sumTo(site.b, R, input),
    whole: (v) => expandLike(site.b, v, input),
  };
}

/** What shares are in proportion to. */
function shareBasis(row: PlainRow, input: Value, R: Term, { site, m }: LayerContext): Value {
  if (R && row.finite && m.vanishes(R, site.output(0))) return m.standsFor(row.finite(site), input);
  return row.active?.(site) ?? input;
}

/**
 * What does not come from the explained input, for the ledger: a mask of −∞ takes no part, as its share would be no
 * number.
 */
export const withFiniteInput = (layer: PlainLayer, m: Algebra): PlainLayer => ({
  ...layer,
  x: m.finite(layer.x),
});

/**
 * A constant that is joined to computed inputs (Add, Concat), for the ledger: the part that is its own, in the full
 * shape of the output, one for each sample, however the constant broadcasts.
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
