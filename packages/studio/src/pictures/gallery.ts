/** The pictures that come with the app, explained at build time. A model's card decides which gallery fits it. */

import type { CompositeName } from "@relprop/core";
import type { InputCard, ModelCard } from "@relprop/core/zoo";
import type { ExplainResult, ModelSource } from "@relprop/engine/engine";
import { readRelevance } from "./stored-relevance.ts";

/** Handwritten digits for small gray inputs, photographs for colour inputs that are large enough to recognise one. */
export const galleryNames = ["digits", "photos"] as const;
export type GalleryName = (typeof galleryNames)[number];

/** The model that explained a gallery. */
const explainedWith: Readonly<Record<GalleryName, Pick<ModelSource, "kind" | "name">>> = {
  digits: { kind: "shipped", name: "digits" },
  photos: { kind: "zoo", name: "resnet50" },
};

/** The longest side of inputs for digits, and the shortest side of inputs for photographs. */
const largestDigit = 32;
const leastPhoto = 64;

/** The gallery that fits a model, judged by its card; undefined for other kinds of pictures. */
export function galleryFor({ input }: Pick<ModelCard, "input">): GalleryName | undefined {
  if (input.channels === "gray") return Math.max(...input.size) <= largestDigit ? "digits" : undefined;
  return Math.min(...input.size) >= leastPhoto ? "photos" : undefined;
}

/** The gallery that was explained with exactly this model; known, with the card, before the model has loaded. */
export const galleryOf = ({ kind, name }: Pick<ModelSource, "kind" | "name">): GalleryName | undefined =>
  galleryNames.find((each) => explainedWith[each].kind === kind && explainedWith[each].name === name);

/** One picture of a gallery. */
export interface GalleryEntry {
  /** Its file beside the list; the name without its ending stands in links. */
  readonly file: string;
  /** A description of the picture, for screen readers. */
  readonly alt: string;
  /** Its author. */
  readonly credit: string;
  /** The largest |R|, the scale of the stored relevance. */
  readonly peak: number;
  readonly top: ExplainResult["top"];
}

/** A list written by scripts/precompute-gallery.ts. */
export interface Gallery {
  readonly name: GalleryName;
  /** How pictures are cropped for the model. */
  readonly input: Pick<InputCard, "size" | "resize" | "interpolation">;
  readonly composite: CompositeName;
  /** The fraction that the relevance filter kept. */
  readonly keep: number;
  /** Names of all classes among the pictures' best ones, by index. */
  readonly labels: Readonly<Record<string, string>>;
  readonly pictures: readonly GalleryEntry[];
}

/** Address of a gallery file. */
export const galleryUrl = (file: string): string => new URL(`gallery/${file}`, document.baseURI).href;

/** The name of a gallery picture in links. */
export const galleryName = ({ file }: Pick<GalleryEntry, "file">): string => file.replace(/\.\w+$/, "");

/** The file that holds the relevance of the whole prediction. */
export const relevanceFile = (entry: Pick<GalleryEntry, "file">): string => `${galleryName(entry)}.relevance`;

/** Fetches a list. */
export async function loadGallery(name: GalleryName): Promise<Gallery> {
  const response = await fetch(galleryUrl(`${name}.json`));
  return (await response.json()) as Gallery;
}

/** A stored explanation of the build. It covers the whole prediction only, so other targets have no logits. */
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
