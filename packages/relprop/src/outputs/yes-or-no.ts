/** Outputs with one number for a question that is answered by yes or no. */

import type { OutputFacts } from "./output-facts.ts";

/** Whether one number speaks for class 1 and against class 0: alone, or at each place of a map. */
export const isYesOrNo = ({
  kind,
  classAxis,
  shape,
}: Pick<OutputFacts, "kind" | "classAxis" | "shape">): boolean =>
  kind === "binary" || (kind === "map" && (classAxis === undefined || shape[classAxis] === 1));
