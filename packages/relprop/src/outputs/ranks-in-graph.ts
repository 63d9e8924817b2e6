/** Whether the target "top1" finds the classes that an answer is ranked by. */

import type { OutputFacts } from "./output-facts.ts";

/** Whether the graph ranks these numbers as the answer is read: a list of several, with an order that is the logits'. */
export const ranksInGraph = ({ kind, placeAxes, classAxis, isOrdered, shape }: OutputFacts): boolean =>
  kind !== "binary" &&
  kind !== "embedding" &&
  placeAxes.length === 0 &&
  classAxis !== undefined &&
  shape[classAxis] !== 1 &&
  isOrdered;
