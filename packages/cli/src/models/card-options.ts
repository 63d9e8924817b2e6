/** What a model's card says of how it is explained, as options. */

import type { CompileOptions } from "@relprop/core";
import type { Model } from "@relprop/core/onnx";
import type { ModelCard } from "@relprop/core/zoo";
import { given } from "../given.ts";

/** What of a card that is. */
export type ExplainedCard = Pick<ModelCard, "labels" | "kind" | "output" | "composite" | "topK">;

/**
 * Which output is explained, and what it is. What is said goes before the card; the card's kind is that of its own output
 * alone.
 */
export function cardOptions(
  card: ExplainedCard,
  { outputs }: Model["graph"],
  { output, outputKind }: Pick<CompileOptions, "output" | "outputKind">,
): Pick<CompileOptions, "output" | "outputKind" | "labelCount"> {
  const isOwn = output === undefined || output === (card.output ?? outputs[0]?.name);
  return given({
    output: output ?? card.output,
    outputKind: outputKind ?? (isOwn ? card.kind : undefined),
    labelCount: card.labels.length > 0 ? card.labels.length : undefined,
  });
}
