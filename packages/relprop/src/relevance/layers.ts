/** A node, seen through its row, as the layer that rules work on: where operators and rules meet. */

import type { Value } from "../onnx/graph.ts";
import type { Algebra } from "./algebra.ts";
import type { Strides } from "./composites.ts";
import { expandLike, filled } from "./ops/shapes.ts";
import type { LinearRow, PlainRow, Site } from "./row-kinds.ts";
import type { LinearLayer, PlainLayer } from "./rules/index.ts";

/** A node with weights, for the linear rules. */
export function linearLayer(row: LinearRow, site: Site, strides: Strides, m: Algebra): LinearLayer {
  const averaged = strides === "average" ? row.averaged : undefined;
  const operator = (averaged ?? row.operator)(site);
  const { x, weights, bias, biasShape } = operator;
  const forward: LinearLayer["forward"] = (v, W, b) => (v && W ? operator.forward(v, W, b) : undefined);
  return {
    x,
    weights,
    bias,
    z: () => (averaged ? operator.forward(x, weights, bias) : (site.outputs[0] as Value)),
    forward,
    pullBack: (s, W) => W && operator.pullBack(s, W),
    shareOfPositive(R, parts, b, epsilon) {
      const inBias = biasShape !== undefined && epsilon > 0;
      const offset = inBias
        ? (m.add(b, b && m.scalar(epsilon)) ?? filled(site.b, epsilon, biasShape, weights))
        : b;
      const [first, ...rest] = parts.filter(([v, W]) => v && W);
      if (!first) return m.share(R, undefined, epsilon);
      const start = forward(first[0], first[1], offset);
      const total = m.nonNegative(rest.reduce((sum, [v, W]) => m.add(sum, forward(v, W)), start));
      return inBias && total ? m.divide(R, total) : m.share(R, total, epsilon);
    },
  };
}

/**
 * A node without weights, for the plain rules.
 * @param index the input that relevance goes to
 * @param averaged what stands in for the operator where strides are averages
 */
export function plainLayer(
  row: PlainRow,
  site: Site,
  index: number,
  averaged: ReturnType<NonNullable<PlainRow["averaged"]>> | undefined,
  m: Algebra,
): PlainLayer {
  const x = site.inputs[index] as Value;
  // What stands in is an average: of what cannot be negative, it cannot be negative either.
  if (averaged && m.isNonNegative(x)) m.nonNegative(averaged.y);
  return {
    x,
    y: averaged?.y ?? (site.outputs[0] as Value),
    pullBack: averaged?.pullBack ?? ((s) => row.pullBack(site, s, index)),
    whole: (v) => expandLike(site.b, v, x),
  };
}
