/** What `relprop concepts` found in an answer, as concepts.json, the page and contact sheets have it. */

import type { KeptShares } from "@relprop/core";
import type { Passage } from "./concept-text.ts";
import type { AnswerScore } from "../run/score.ts";

/** A channel, as it stands in concepts.json. Paths are below the output folder. */
export interface ConceptRecord {
  readonly channel: number;
  /** ΣR of the channel, unitless: above 0 it speaks for what is explained, below 0 against it. */
  readonly relevance: number;
  /** The part of Σ|R| over the layer's channels that it is, with its sign. */
  readonly share: number;
  /** ΣR of its map, and what the layers below kept, by cause: together they are `relevance`. */
  readonly reached: number;
  readonly kept?: KeptShares;
  readonly heatmap: string;
  /** The map as numbers, if they are kept. */
  readonly npy?: string;
}

/** An explained part of an image's answer, as it stands in concepts.json. */
export interface AnswerRecord extends AnswerScore, Omit<Passage, "label"> {
  /** How many elements of the output are explained together. */
  readonly elements: number;
  /** Path of the contact sheet. */
  readonly sheet: string;
  readonly concepts: readonly ConceptRecord[];
}
