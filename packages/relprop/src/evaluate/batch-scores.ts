/** Many changed inputs -> one number each, in batches through a model that only runs forward. */

import type { RunSource } from "../answers/pick-answer.ts";
import type { FloatArray } from "../run/float-array.ts";
import type { AnswerNumber } from "./answer-number.ts";
import type { Scores } from "./removal.ts";

/** How inputs are run. */
export interface BatchOptions {
  /** The shape of one sample, [1, …]. */
  readonly dims: readonly number[];
  /** How many samples run at once. */
  readonly batch: number;
  /** Whether every run must have so many samples, as models with a fixed batch want it. */
  readonly isFixed?: boolean;
}

/**
 * Reads a number of each answer. The next batch is made while the network runs, and answers are read while it runs again.
 * @param answer runs a batch of inputs forward; called once at a time
 */
export function batchScores(
  answer: (input: FloatArray) => Promise<RunSource>,
  { of }: Pick<AnswerNumber, "of">,
  { dims, batch, isFixed = false }: BatchOptions,
): Scores {
  const size = dims.reduce((product, n) => product * n, 1);
  return async (inputs) => {
    const numbers: number[] = [];
    const read = (source: RunSource, count: number): void => {
      for (let sample = 0; sample < count; sample++) numbers.push(of(source, sample));
    };
    const iterator = inputs[Symbol.iterator]();
    const nextBatch = (): { readonly input: FloatArray; readonly count: number } | undefined => {
      const data = new Float32Array(batch * size);
      let count = 0;
      while (count < batch) {
        const next = iterator.next();
        if (next.done === true) break;
        data.set(next.value, count++ * size);
      }
      if (count === 0) return undefined;
      const rows = isFixed ? batch : count;
      return { input: { data: data.subarray(0, rows * size), dims: [rows, ...dims.slice(1)] }, count };
    };
    let done: { readonly source: RunSource; readonly count: number } | undefined;
    for (let next = nextBatch(); next;) {
      const running = answer(next.input);
      // An error of the run is thrown below, and must not be reported as unhandled while the next batch is made.
      running.catch(() => undefined);
      if (done) read(done.source, done.count);
      const following = nextBatch();
      done = { source: await running, count: next.count };
      next = following;
    }
    if (done) read(done.source, done.count);
    return Float64Array.from(numbers);
  };
}
