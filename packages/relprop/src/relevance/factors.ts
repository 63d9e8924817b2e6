/**
 * Tracks the factors of relevance at compile time. A layer returns x ⊙ c. A division by x then needs only c, not the sign
 * of x, and two multiples of x add up with one multiplication by x.
 */

import type { Value } from "../onnx/graph.ts";

/** A value that equals `of ⊙ by`. */
export interface Multiple {
  readonly of: Value;
  readonly by: Value;
}

/** Stores the factors of products. */
export class Factors {
  readonly #multiples = new Map<string, ReadonlyMap<string, Multiple>>();
  readonly #standsFor = new Map<string, string>();

  /** `result` is a ⊙ c. */
  product(result: Value, a: Value, c: Value): void {
    const multiples = new Map<string, Multiple>();
    const enter = (of: Value, by: Value): void => {
      multiples.set(of.name, { of, by });
      const stoodFor = this.#standsFor.get(of.name);
      if (stoodFor !== undefined) multiples.set(stoodFor, { of, by });
    };
    enter(a, c);
    enter(c, a);
    this.#multiples.set(result.name, multiples);
  }

  /** Multiples of `substitute` count as multiples of x, since the two differ only where the other factor is 0. */
  standsFor(substitute: Value, x: Value): void {
    this.#standsFor.set(substitute.name, x.name);
  }

  /** R as a multiple of x or of its substitute. */
  of(R: Value, x: Value): Multiple | undefined {
    return this.#multiples.get(R.name)?.get(x.name);
  }

  /** Both as multiples of the same value, if possible. */
  shared(a: Value, b: Value): readonly [Multiple, Multiple] | undefined {
    for (const multiple of this.#multiples.get(a.name)?.values() ?? []) {
      const other = this.#multiples.get(b.name)?.get(multiple.of.name);
      if (other?.of.name === multiple.of.name) return [multiple, other];
    }
    return undefined;
  }
}
