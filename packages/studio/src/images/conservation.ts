/** How much of what is explained arrived at the pixels. */

import type { ExplainResult, LoadedModel } from "../engine/engine.ts";
import type { ViewSettings } from "../modes.ts";

/** In a sentence; empty for the whole prediction, and where there is next to nothing to share out. */
export function conservation(
  { explained, relevance }: ExplainResult,
  { target }: Pick<ViewSettings, "target">,
  { facts }: Pick<LoadedModel, "facts">,
): string {
  const { start, isWhole, elements } = explained;
  if (isWhole || Math.abs(start) < 1e-6) return "";
  const sum = relevance.data.reduce((all, R) => all + R, 0);
  const one = facts.scale.kind === "value" ? "value" : "logit";
  const what =
    target.kind === "contrast"
      ? `difference of the ${one}s`
      : elements > 1
        ? `sum of ${elements} ${one}s`
        : one;
  return `${((100 * sum) / start).toFixed(1)} % of the ${what} (${start.toFixed(2)}) reached the pixels.`;
}
