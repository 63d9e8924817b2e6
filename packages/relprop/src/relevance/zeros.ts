/**
 * Where relevance is known to be zero, decided when the graph is compiled. What a layer hands back is x ⊙ c, which is 0
 * where x is. If x is a ReLU's output, no relevance arrives where the ReLU's input is not positive, and half of every
 * signed rule has nothing to do: gamma needs one transpose, and a denominator no sign.
 */

import type { Node, Value } from "../onnx/graph.ts";
import type { Operators } from "./operators.ts";
import type { Site } from "./site.ts";

/** For each value z, the values that are 0 wherever z ≤ 0: what rectifiers make of it. */
export type Rectified = ReadonlyMap<string, ReadonlySet<string>>;

/** @param nodes those on the way: of others not even the shapes may be known */
export function rectifiedValues(
  nodes: readonly Node[],
  { siteOf, operators }: { readonly siteOf: (node: Node) => Site; readonly operators: Operators },
): Rectified {
  const rectified = new Map<string, Set<string>>();
  for (const node of nodes) {
    const [z] = node.inputs;
    if (z === undefined || !operators.rowOf(node)?.closesBelowZero(siteOf(node))) continue;
    rectified.set(z, new Set([...(rectified.get(z) ?? []), ...node.outputs]));
  }
  return rectified;
}

/** Remembers for relevance the values that it vanishes with. */
export class Zeros {
  readonly #vanishing = new Map<string, ReadonlySet<string>>();
  readonly #rectified: Rectified;

  constructor(rectified: Rectified) {
    this.#rectified = rectified;
  }

  #of = (R: Value): ReadonlySet<string> => this.#vanishing.get(R.name) ?? new Set([R.name]);

  /** R is 0 wherever v is. */
  vanishes = (R: Value, v: Value): boolean => this.#of(R).has(v.name);

  /** R is 0 wherever z ≤ 0. */
  vanishesBelow(R: Value, z: Value): boolean {
    const known = this.#of(R);
    return [...(this.#rectified.get(z.name) ?? [])].some((name) => known.has(name));
  }

  /** `result` is 0 wherever one of its factors is. */
  product(result: Value, factors: readonly Value[]): void {
    this.#enter(result, new Set(factors.flatMap((factor) => [...this.#of(factor)])));
  }

  /** `result` is 0 where all of its summands are. */
  sum(result: Value, summands: readonly Value[]): void {
    const [first, ...rest] = summands.map(this.#of);
    this.#enter(result, new Set([...(first ?? [])].filter((name) => rest.every((each) => each.has(name)))));
  }

  #enter(result: Value, names: ReadonlySet<string>): void {
    this.#vanishing.set(result.name, new Set([...names, result.name]));
  }
}
