/** Defaults of `compile` and `inspect`: the same as those of `explain` for the same model. */

import { chooseExplanation, readAnswer, type CompileOptions } from "@relprop/core";
import { withPixelBounds } from "@relprop/core/internal";
import type { CompilableModel } from "../models/load-model.ts";
import { withoutUndefined } from "../without-undefined.ts";

/** Fills in composite, seed and filter. */
export function chosenOptions(
  { model, card }: Pick<CompilableModel, "model" | "card">,
  options: CompileOptions,
): CompileOptions {
  const { composite, seed, topK, target } = options;
  const isTarget = target !== undefined || options.layer !== undefined;
  const choice = chooseExplanation(readAnswer(model, options), {
    isTarget,
    usual: { composite: card.composite, topK: card.topK },
    ...withoutUndefined({ composite, seed, topK }),
  });
  const chosen = { ...options, composite: choice.composite, seed: choice.seed, topK: choice.topK };
  return withPixelBounds(chosen, card.input);
}
