import type { OutputFacts } from "./output-facts.ts";

/** Whether an output answers a yes-or-no question by one number, or by one at each place of a map: high for class 1, low for 0. */
export const isYesOrNo = ({
  kind,
  classAxis,
  shape,
}: Pick<OutputFacts, "kind" | "classAxis" | "shape">): boolean =>
  kind === "binary" || (kind === "map" && (classAxis === undefined || shape[classAxis] === 1));
