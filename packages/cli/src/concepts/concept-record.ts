/** What `relprop concepts` found in an answer, as stored in concepts.json and shown on the page and on contact sheets. */

import type { KeptShares } from "@relprop/core";
import type { Passage } from "./concept-text.ts";
import type { AnswerScore } from "../run/score.ts";

/** A channel in concepts.json. Paths are relative to the output folder. */
export interface ConceptRecord {
  readonly channel: number;
  /** ΣR of the channel, unitless: above 0 it speaks for what is explained, below 0 against it. */
  readonly relevance: number;
  /** The channel's part of Σ|R| over the layer's channels, with its sign. */
  readonly share: number;
  /** ΣR of its map, and ΣR that stayed in the layers below, by cause; together they are `relevance`. */
  readonly reached: number;
  readonly kept?: KeptShares;
  readonly heatmap: string;
  /** The map as numbers, if saved. */
  readonly npy?: string;
}

/** An explained part of an image's answer in concepts.json. */
export interface AnswerRecord extends AnswerScore, Omit<Passage, "label"> {
  /** The number of output elements that are explained together. */
  readonly elements: number;
  /** Path of the contact sheet. */
  readonly sheet: string;
  readonly concepts: readonly ConceptRecord[];
}
