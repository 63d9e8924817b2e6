/**
 * What relevance is a multiple of, known when the graph is compiled. What a layer hands back is x ⊙ c. Whoever divides it
 * by x next needs c and no sign of x, and where two multiples of x meet, x is multiplied once.
 */

import type { Value } from "../onnx/graph.ts";

/** A value that is `of ⊙ by`. */
export interface Multiple {
  readonly of: Value;
  readonly by: Value;
}

/** Remembers of products what they are multiples of. */
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

  /** A multiple of `substitute` counts as one of x: they differ only where what it is multiplied with is 0. */
  standsFor(substitute: Value, x: Value): void {
    this.#standsFor.set(substitute.name, x.name);
  }

  /** R as a multiple of x, or of what stands for it. */
  of(R: Value, x: Value): Multiple | undefined {
    return this.#multiples.get(R.name)?.get(x.name);
  }

  /** Both as multiples of the same value, if they are. */
  shared(a: Value, b: Value): readonly [Multiple, Multiple] | undefined {
    for (const multiple of this.#multiples.get(a.name)?.values() ?? []) {
      const other = this.#multiples.get(b.name)?.get(multiple.of.name);
      if (other?.of.name === multiple.of.name) return [multiple, other];
    }
    return undefined;
  }
}
