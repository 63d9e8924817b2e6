/** How much of what is explained arrived at the pixels. */

import type { ExplainResult, Target } from "../engine/engine.ts";

/** In a sentence; empty for the whole prediction, and where there is next to nothing to share out. */
export function conservation({ logits, relevance }: ExplainResult, target: Target): string {
  if (target.kind === "prediction") return "";
  const against = target.kind === "contrast" ? (logits[target.against] ?? 0) : 0;
  const logit = (logits[target.index] ?? 0) - against;
  if (Math.abs(logit) < 1e-6) return "";
  const sum = relevance.data.reduce((all, R) => all + R, 0);
  const what = target.kind === "contrast" ? "difference of the logits" : "logit";
  return `${((100 * sum) / logit).toFixed(1)} % of the ${what} (${logit.toFixed(2)}) reached the pixels.`;
}
