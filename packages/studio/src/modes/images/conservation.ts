/** How much of the explained number arrived at the pixels. */

import type { ExplainResult, LoadedModel } from "@relprop/engine/engine";
import type { ViewSettings } from "../../state/view-settings.ts";
import { fixedText } from "../../parts/target-names.ts";

/** The share in a sentence; empty for the whole prediction, and if the number is close to zero. */
export function conservation(
  { explained, relevance }: ExplainResult,
  { target }: Pick<ViewSettings, "target">,
  { facts }: Pick<LoadedModel, "facts">,
): string {
  const { start, isWhole, isLength, elements, numbers } = explained;
  if (isWhole || Math.abs(start) < 1e-6) return "";
  const sum = relevance.data.reduce((all, R) => all + R, 0);
  const one = facts.scale.kind === "value" ? "value" : "logit";
  const what = (): string => {
    if (target.kind === "contrast") return `difference of the ${one}s`;
    if (isLength) return "length";
    if (elements > 1) return `sum of ${elements} ${one}s`;
    // Relevance starts before a softplus or a similar function.
    const isOwn = Math.abs((numbers.value ?? start) - start) <= 1e-3 * Math.abs(start);
    return one === "logit" || isOwn ? one : "number before the output's last function";
  };
  return `${fixedText((100 * sum) / start, 1)} % of the ${what()} (${fixedText(start)}) reached the pixels.`;
}
