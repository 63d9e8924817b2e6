/** A checkpoint -> a model of a known architecture. Loaded on demand. */

import type { Model } from "@relprop/core/onnx";
import { bytesSource, readCheckpoint, recognizeNet, type ModelCard } from "@relprop/core/zoo";

/**
 * Reads a checkpoint of an architecture that relprop builds.
 * @throws ModelFileError or OptionError, with a message for the user
 */
export async function readWeights(
  name: string,
  bytes: Uint8Array,
  card?: ModelCard,
): Promise<{ readonly model: Model; readonly card: ModelCard; readonly guesses: readonly string[] }> {
  const { tensors } = await readCheckpoint(bytesSource(name, bytes));
  const net = recognizeNet(tensors, name);
  const chosen = card ?? net.card;
  const model = net.build({ size: chosen.input.size, file: name });
  return { model, card: chosen, guesses: card ? [] : net.guesses };
}
