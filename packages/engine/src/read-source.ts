/** A dropped file -> a model and its card. */

import { ModelFileError } from "@relprop/core";
import { onePicture, withBatchOfOne } from "@relprop/core/internal";
import { readModel, type Model } from "@relprop/core/onnx";
import { guessCard, type ModelCard } from "@relprop/core/zoo";

/** A model, its card, and the guesses in that card, in words. */
export interface ReadSource {
  readonly model: Model;
  readonly card: ModelCard;
  readonly guesses: readonly string[];
}

/**
 * Reads an .onnx file, or a checkpoint (.pth, .pt, .safetensors) of an architecture that relprop builds.
 * @param card the preprocessing; by default it is guessed from the model's input.
 * @throws ModelFileError or OptionError, with a message for the user.
 */
export async function readSource(name: string, bytes: Uint8Array, card?: ModelCard): Promise<ReadSource> {
  if (!name.toLowerCase().endsWith(".onnx")) return readUnnamed(name, bytes, card);
  const read = readModel(bytes, { file: name, readExternal: (location) => refuseExternal(name, location) });
  const { model, own } = withBatchOfOne(read, undefined, card?.input.layout);
  if (card) return { model, card, guesses: [] };
  const guessed = guessCard(name.replace(/\.onnx$/i, ""), model, {});
  return { model, ...guessed, guesses: [...onePicture(own), ...guessed.guesses] };
}

function refuseExternal(name: string, location: string): never {
  throw new ModelFileError({
    what: `cannot read "${name}"`,
    why: `its weights lie in another file, "${location}"`,
    fix: "save the model as one file, or open it with `relprop studio`, which reads both",
  });
}

async function readUnnamed(name: string, bytes: Uint8Array, card?: ModelCard): Promise<ReadSource> {
  if (!/\.(pth?|safetensors|bin)$/i.test(name)) {
    throw new ModelFileError({
      what: `cannot read "${name}"`,
      why: "it is neither a picture nor a model",
      fix: "drop an .onnx file, a .pth or .safetensors checkpoint, or a picture",
    });
  }
  const { readWeights } = await import("./read-weights.ts");
  return readWeights(name, bytes, card);
}
