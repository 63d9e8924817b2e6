/** A text model, ready to explain texts. */

import type { Explainer } from "relprop";
import type { TextDecision } from "./decide-texts.ts";
import type { Answer } from "./text-answer.ts";
import type { TextFeeder } from "./text-feeds.ts";
import type { TextTokenizer } from "./tokenize.ts";

/** What all texts of a run share. */
export interface TextSession {
  readonly explainer: Explainer;
  readonly tokenizer: TextTokenizer;
  readonly feeder: TextFeeder;
  readonly decision: TextDecision;
  readonly answer: Answer;
  /** Names of the classes, empty if they are not known. */
  readonly labels: readonly string[];
  /** Whether the classes do not exclude each other. */
  readonly isMultiLabel: boolean;
  readonly classes: readonly string[];
  readonly against: string | undefined;
  readonly position: number | undefined;
}
