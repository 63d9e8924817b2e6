/** Refuses answers and relevance that are NaN or infinite. */

import { InputError } from "../errors.ts";

/**
 * @param numbers numbers of one sample
 * @throws InputError if a number is NaN or infinite
 */
export function requireFinite(numbers: Float32Array, what: "answer" | "relevance"): void {
  const bad = numbers.find((number) => !Number.isFinite(number));
  if (bad === undefined) return;
  throw new InputError(
    what === "answer"
      ? {
          what: "cannot explain this answer",
          why: `the model puts out ${bad}`,
          fix: "check how it is fed: --mean, --std, --scale, --channels",
        }
      : {
          what: "cannot show this relevance",
          why: `some of it is ${bad}`,
          fix: "use a larger --epsilon, or another composite",
        },
  );
}
