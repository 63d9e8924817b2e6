/** A model card -> options of the explanation. */

import type { CompileOptions } from "@relprop/core";
import type { PixelNumbers } from "@relprop/core/internal";
import type { Model } from "@relprop/core/onnx";
import type { ModelCard } from "@relprop/core/zoo";
import { withoutUndefined } from "../without-undefined.ts";

/** The part of a card that concerns the explanation. */
export type ExplainedCard = Pick<ModelCard, "labels" | "kind" | "output" | "composite" | "topK"> & {
  /** Undefined if nothing says how pictures are preprocessed. */
  readonly input?: PixelNumbers;
};

/**
 * The explained output and its kind. Options take precedence over the card; the card's kind applies to its own output
 * only.
 */
export function cardOptions(
  card: ExplainedCard,
  { outputs }: Model["graph"],
  { output, outputKind }: Pick<CompileOptions, "output" | "outputKind">,
): Pick<CompileOptions, "output" | "outputKind" | "labelCount"> {
  const isOwn = output === undefined || output === (card.output ?? outputs[0]?.name);
  return withoutUndefined({
    output: output ?? card.output,
    outputKind: outputKind ?? (isOwn ? card.kind : undefined),
    labelCount: card.labels.length > 0 ? card.labels.length : undefined,
  });
}
