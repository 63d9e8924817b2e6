/** The pictures that come with the app, explained when the app was built. */

import type { CompositeName, RankedClass } from "relprop";
import type { ExplainResult } from "../engine/engine.ts";

/** One picture of `gallery/gallery.json`. */
export interface GalleryEntry {
  /** Its file beside the list; without the ending it is the picture's name in links. */
  readonly file: string;
  /** What it shows, for those who cannot see it. */
  readonly alt: string;
  readonly composite: CompositeName;
  /** Relevance of the whole prediction, [height, width] float32 little-endian, as base64. */
  readonly relevance: string;
  readonly size: readonly [height: number, width: number];
  readonly logits: readonly number[];
  readonly top: readonly RankedClass[];
}

/** The list that scripts/precompute-gallery.ts wrote. */
export interface Gallery {
  readonly model: string;
  readonly pictures: readonly GalleryEntry[];
}

/** Address of a gallery file. */
export const galleryUrl = (file: string): string => new URL(`gallery/${file}`, document.baseURI).href;

/** What a picture of the gallery is called in links. */
export const galleryName = ({ file }: GalleryEntry): string => file.replace(/\.\w+$/, "");

/** Fetches the list. */
export async function loadGallery(): Promise<Gallery> {
  const response = await fetch(galleryUrl("gallery.json"));
  return (await response.json()) as Gallery;
}

/** The explanation that was made when the app was built. */
export function precomputed({ relevance, size, logits, top }: GalleryEntry): ExplainResult {
  const bytes = Uint8Array.from(atob(relevance), (character) => character.charCodeAt(0));
  const [height, width] = size;
  return {
    relevance: { data: new Float32Array(bytes.buffer), height, width },
    logits: Float32Array.from(logits),
    top,
    milliseconds: 0,
  };
}
