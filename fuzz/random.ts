/** Random choices that a seed decides. */

import { uniformNumbers } from "../packages/relprop/src/random.ts";

/** A stream of random choices. */
export class Random {
  /** A number in (0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = uniformNumbers(seed);
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** One of a list that is not empty. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }
}
