/**
 * Tracks where relevance is zero, at compile time. A layer returns x ⊙ c, which is 0 where x is. If x is the output of a
 * ReLU, no relevance arrives where the ReLU's input is not positive. Half of every signed rule is then not needed: gamma
 * takes one transpose, and denominators need no sign.
 */

import type { Node, Value } from "../onnx/graph.ts";
import type { Operators } from "./operators.ts";
import type { Site } from "./site.ts";

/** For each value z, the outputs of rectifiers that are 0 wherever z ≤ 0. */
export type Rectified = ReadonlyMap<string, ReadonlySet<string>>;

/** @param nodes nodes on the way, whose shapes are known */
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

/**
 * Stores for relevance the values with which it vanishes. Only of values that relevance has yet to cross can it still be asked,
 * and no others are stored: along a chain of n layers they would be n² names.
 */
export class Zeros {
  readonly #vanishing = new Map<string, ReadonlySet<string>>();
  readonly #rectified: Rectified;
  readonly #ahead: Set<string>;
  readonly #rectifiers: ReadonlySet<string>;

  /** @param ahead names of the values that relevance crosses */
  constructor(rectified: Rectified, ahead: Iterable<string>) {
    this.#rectified = rectified;
    this.#ahead = new Set(ahead);
    this.#rectifiers = new Set([...rectified.values()].flatMap((names) => Array.from(names)));
  }

  /** States that relevance has crossed z, and nobody will ask of it again. The outputs of rectifiers are asked of with their z. */
  crossed(z: string): void {
    if (!this.#rectifiers.has(z)) this.#ahead.delete(z);
    for (const name of this.#rectified.get(z) ?? []) this.#ahead.delete(name);
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
    const asked = [...names, result.name].filter((name) => this.#ahead.has(name));
    this.#vanishing.set(result.name, new Set(asked));
  }
}
