/** Which classes, labels or words of a text are explained: what `--class` and `--against` say -> indices. */

import { OptionError } from "relprop";
import { classRequest, readableLabel, type ClassRequest } from "./choose-classes.ts";
import type { Place } from "./text-answer.ts";
import type { TextSession } from "./text-session.ts";
import type { Tokenized } from "./tokenize.ts";

/** What classes are called. */
export function namesOf(
  { answer, labels, tokenizer }: TextSession,
  text: Tokenized,
): (index: number) => string {
  if (answer.kind === "words") return (index) => tokenizer.textOf(index);
  if (answer.kind === "places") return (index) => text.tokens[index]?.text ?? `token ${index}`;
  return (index) => readableLabel(labels[index] ?? "") || `class ${index}`;
}

/** What is asked of a text. */
export interface TextRequests {
  readonly classes: readonly ClassRequest[];
  readonly against: number | undefined;
}

/**
 * The classes asked for, the best if none is.
 * @param place the token that is explained, where tokens are the classes
 * @throws OptionError if a class is not there, or options do not go together
 */
export function readRequests(
  { answer, labels, classes, against, tokenizer, decision }: TextSession,
  { tokens }: Tokenized,
  { position }: Place,
  place: number | undefined,
): TextRequests {
  if (decision.isWhole && position !== undefined) {
    throw new OptionError({
      what: "cannot explain the softmax",
      why: "the model answers for each token, and the softmax would explain all of them at once",
      fix: "use --seed logit",
    });
  }
  const read = (text: string): ClassRequest => {
    if (answer.kind !== "words") {
      const names = answer.kind === "places" ? tokens.map((token) => token.text) : labels;
      return classRequest(text, names, answer.count ?? tokens.length);
    }
    if (/^(top-?)?\d+$/i.test(text)) return classRequest(text, [], answer.count);
    const index = tokenizer.wordId(text);
    if (index !== undefined) return { kind: "class", index };
    throw new OptionError({
      what: `cannot explain the word "${text}"`,
      why: "it is not one token of the vocabulary",
      fix: "give a shorter word, or a token's id",
    });
  };
  const other = against === undefined ? undefined : read(against);
  if (other?.kind === "top") {
    throw new OptionError({
      what: `cannot tell classes apart from "${against}"`,
      why: "it is not one class for all texts",
      fix: "give --against an index or a name",
    });
  }
  const asked = classes.map(read);
  if (place !== undefined) asked.push({ kind: "class", index: place });
  if (asked.some((request) => request.kind === "class" && request.index === other?.index)) {
    throw new OptionError({
      what: `cannot explain class ${other?.index} rather than class ${other?.index}`,
      why: "--class and --against name the same class",
      fix: "name another class",
    });
  }
  return { classes: asked.length > 0 ? asked : [{ kind: "top", count: 1 }], against: other?.index };
}
