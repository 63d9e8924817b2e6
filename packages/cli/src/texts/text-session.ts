/** A text model, ready to explain texts. */

import type { TextDecision } from "./decide-texts.ts";
import type { Answer } from "./text-answer.ts";
import type { TextFeeder } from "./text-feeds.ts";
import type { TextTokenizer } from "./tokenize.ts";

/** The state that all texts of a run share. */
export interface TextSession {
  readonly tokenizer: TextTokenizer;
  readonly feeder: TextFeeder;
  readonly decision: TextDecision;
  readonly answer: Answer;
  /** Names of the classes; empty if unknown. */
  readonly labels: readonly string[];
  /** The unit of values. */
  readonly unit: string | undefined;
  readonly classes: readonly string[];
  readonly against: string | undefined;
  readonly positions: readonly number[];
  /** How many words are generated and explained at most; undefined if the text alone is explained. */
  readonly generate: number | undefined;
  /** Tokens that end a text. */
  readonly ends: readonly number[];
}
