/** The pictures that come with the app, explained when the app was built. Which of them a model gets, its card decides. */

import type { CompositeName } from "@relprop/core";
import type { InputCard, ModelCard } from "@relprop/core/zoo";
import type { ExplainResult, ModelSource } from "@relprop/engine/engine";
import { readRelevance } from "./stored-relevance.ts";

/** Handwritten digits for small gray inputs, photographs for colour inputs that are large enough to recognise one. */
export const galleryNames = ["digits", "photos"] as const;
export type GalleryName = (typeof galleryNames)[number];

/** The model that a gallery was explained with. */
const explainedWith: Readonly<Record<GalleryName, Pick<ModelSource, "kind" | "name">>> = {
  digits: { kind: "shipped", name: "digits" },
  photos: { kind: "zoo", name: "resnet50" },
};

/** Longest side of an input that is taken for one of digits, and shortest of one that photographs are recognised in. */
const largestDigit = 32;
const leastPhoto = 64;

/** The gallery whose pictures a model was made for, as far as its card tells; none for other kinds of pictures. */
export function galleryFor({ input }: Pick<ModelCard, "input">): GalleryName | undefined {
  if (input.channels === "gray") return Math.max(...input.size) <= largestDigit ? "digits" : undefined;
  return Math.min(...input.size) >= leastPhoto ? "photos" : undefined;
}

/** The gallery that was explained with this very model: known before the model has loaded, and its card with it. */
export const galleryOf = ({ kind, name }: Pick<ModelSource, "kind" | "name">): GalleryName | undefined =>
  galleryNames.find((each) => explainedWith[each].kind === kind && explainedWith[each].name === name);

/** One picture of a gallery. */
export interface GalleryEntry {
  /** Its file beside the list; without the ending it is the picture's name in links. */
  readonly file: string;
  /** What it shows, for those who cannot see it. */
  readonly alt: string;
  /** Whose it is. */
  readonly credit: string;
  /** The largest |R|, which its relevance is stored in parts of. */
  readonly peak: number;
  readonly top: ExplainResult["top"];
}

/** A list that scripts/precompute-gallery.ts wrote. */
export interface Gallery {
  readonly name: GalleryName;
  /** How its model's input is cut out of a picture. */
  readonly input: Pick<InputCard, "size" | "resize" | "interpolation">;
  readonly composite: CompositeName;
  /** The fraction that the relevance filter kept. */
  readonly keep: number;
  /** Names of the classes that any picture is taken for, by index. */
  readonly labels: Readonly<Record<string, string>>;
  readonly pictures: readonly GalleryEntry[];
}

/** Address of a gallery file. */
export const galleryUrl = (file: string): string => new URL(`gallery/${file}`, document.baseURI).href;

/** What a picture of the gallery is called in links. */
export const galleryName = ({ file }: Pick<GalleryEntry, "file">): string => file.replace(/\.\w+$/, "");

/** The file that holds the relevance of the whole prediction. */
export const relevanceFile = (entry: Pick<GalleryEntry, "file">): string => `${galleryName(entry)}.relevance`;

/** Fetches a list. */
export async function loadGallery(name: GalleryName): Promise<Gallery> {
  const response = await fetch(galleryUrl(`${name}.json`));
  return (await response.json()) as Gallery;
}

/** What was explained when the app was built. Nothing but the whole prediction was, so there are no logits of the rest. */
export type Precomputed = Pick<ExplainResult, "relevance" | "top">;

export async function loadPrecomputed({ input }: Gallery, entry: GalleryEntry): Promise<Precomputed> {
  const response = await fetch(galleryUrl(relevanceFile(entry)));
  const data = await readRelevance(new Uint8Array(await response.arrayBuffer()), entry.peak);
  const [height, width] = input.size;
  return { relevance: { data, height, width }, top: entry.top };
}

/** Class names as a card has them, with gaps. */
export function labelsOf({ labels }: Gallery): readonly string[] {
  const names: string[] = [];
  for (const [index, name] of Object.entries(labels)) names[Number(index)] = name;
  return names;
}
