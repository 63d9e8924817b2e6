/** Pictures that feed an input beside arrays. */

import { preprocess } from "@relprop/core/preprocess";
import type { Model } from "@relprop/core/onnx";
import { guessCard, type ArrayCard, type InputCard } from "@relprop/core/zoo";
import { readBytes, readImage, type SeenPicture } from "../files/read-images.ts";
import type { ArrayRunOptions } from "./array-options.ts";
import type { FedInput } from "./fit.ts";
import { partOfArrays, type Batching, type Part } from "./part.ts";
import { inMemory } from "./stored-array.ts";

/** The model, and what is known of its pictures. */
export interface PictureFeeding {
  readonly model: Model;
  readonly card: ArrayCard;
  readonly options: Pick<ArrayRunOptions, "pictures">;
  /** How the compiled model counts samples. */
  readonly batching: Batching;
}

const cards = new WeakMap<Model, Map<string, ReturnType<typeof guessCard>>>();

/** How an input takes pictures: as the card says, else as is guessed of the model, once. */
function pictureCard(
  { model, card, options }: PictureFeeding,
  input: string,
): { readonly input: InputCard; readonly guesses: readonly string[] } {
  if (card.input) return { input: card.input, guesses: [] };
  const known = cards.get(model) ?? new Map<string, ReturnType<typeof guessCard>>();
  cards.set(model, known);
  const guessed = known.get(input) ?? guessCard(card.name, model, options.pictures, { input });
  known.set(input, guessed);
  return { input: guessed.card.input, guesses: guessed.guesses };
}

/** What is guessed about the pictures of an input, if anything is. */
export function pictureNotes(feeding: PictureFeeding, { name }: FedInput): string[] {
  const { guesses } = pictureCard(feeding, name);
  if (guesses.length === 0) return [];
  const how = "(set it with --card, --size, --resize, --channels, --mean, --std)";
  return [`guessed, since no card says it: ${guesses.join("; ")} ${how}`];
}

/** A picture as the network sees it. */
export async function seenPicture(
  feeding: PictureFeeding,
  path: string,
  input: string,
): Promise<SeenPicture> {
  return readImage(path, await readBytes(path), pictureCard(feeding, input).input);
}

/** A picture as one sample of an input. */
export async function pictureInput(
  feeding: PictureFeeding,
  path: string,
  { name }: FedInput,
): Promise<ReturnType<typeof preprocess>> {
  return preprocess([await seenPicture(feeding, path, name)], pictureCard(feeding, name).input);
}

/** A picture's part: one sample. */
export async function partOfPicture(feeding: PictureFeeding, path: string, input: FedInput): Promise<Part> {
  const array = inMemory("float32", await pictureInput(feeding, path, input));
  const part = partOfArrays(path, [{ input, array }], feeding.batching);
  return {
    ...part,
    notes: pictureNotes(feeding, input),
    take: async (first, most) => {
      const taken = await part.take(first, most);
      return { ...taken, files: new Map([[input.name, Array.from({ length: taken.count }, () => path)]]) };
    },
  };
}
