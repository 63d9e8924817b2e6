/** Reads `--class` and `--against` for texts: classes, labels or words -> indices. */

import { OptionError } from "@relprop/core";
import { classRequest, type ClassRequest } from "../run/choose-classes.ts";
import { nameOf } from "../run/score.ts";
import { ranksInGraph } from "@relprop/core/internal";
import type { AskedMaps } from "../run/plan-maps.ts";
import type { Answer, Place } from "./text-answer.ts";
import type { RunChoices } from "../run/decide.ts";
import type { TextSession } from "./text-session.ts";
import type { Tokenized } from "./tokenize.ts";

/** The names of classes. */
export function namesOf(
  { answer, labels, tokenizer }: TextSession,
  text: Tokenized,
): (index: number) => string {
  if (answer.kind === "embedding") return () => "length";
  if (answer.kind === "words") return (index) => tokenizer.textOf(index);
  if (answer.kind === "places") return (index) => text.tokens[index]?.text ?? `token ${index}`;
  const names = { facts: answer.facts, labels, count: answer.count, unit: undefined };
  return (index) => nameOf(names, index);
}

/** How many maps each text gets, as far as that is known before one is read. */
export function askedMaps(
  { classes, against, positions }: Pick<RunChoices, "classes" | "against"> & Pick<TextSession, "positions">,
  isWhole: boolean,
  { kind, facts }: Answer,
): AskedMaps {
  if (isWhole || kind === "embedding") return { count: 1, from: "answer" };
  const tops = classes.map((text) => Number(/^top-?(\d+)$/i.exec(text)?.[1] ?? 0));
  const places = kind === "places" ? positions.length : 0;
  const count = tops.reduce((sum, top) => sum + Math.max(1, top), places);
  if (count === 0 || tops.some((top) => top > 0)) {
    const isBest = kind === "classes" && tops.length < 2 && against === undefined && ranksInGraph(facts);
    return { count: Math.max(1, count), from: isBest ? "ranks" : "answer" };
  }
  return { count, from: "request" };
}

/** The requested classes of a text. */
export interface TextRequests {
  readonly classes: readonly ClassRequest[];
  readonly against: number | undefined;
}

/**
 * Reads the requested classes; the best one by default.
 * @param places the explained tokens, if tokens are the classes
 * @throws OptionError if a class does not exist, or options exclude each other
 */
export function readRequests(
  { answer, labels, classes, against, tokenizer, decision }: TextSession,
  { tokens }: Tokenized,
  { positions }: Place,
  places: readonly number[],
): TextRequests {
  if (decision.isWhole && positions.length > 0) {
    throw new OptionError({
      what: "cannot explain the softmax",
      why: "the model answers for each token, and the softmax would explain all of them at once",
      fix: "use --seed logit",
    });
  }
  const read = (text: string): ClassRequest => {
    if (answer.kind !== "words") {
      const names = answer.kind === "places" ? tokens.map((token) => token.text) : labels;
      const count = answer.facts.kind === "binary" ? 2 : (answer.count ?? tokens.length);
      return classRequest(text, names, count);
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
      what: `cannot compare classes to "${against}"`,
      why: "it is not one class for all texts",
      fix: "give --against an index or a name",
    });
  }
  const asked = classes.map(read);
  asked.push(...places.map((index) => ({ kind: "class", index }) as const));
  if (asked.some((request) => request.kind === "class" && request.index === other?.index)) {
    throw new OptionError({
      what: `cannot explain class ${other?.index} rather than class ${other?.index}`,
      why: "--class and --against name the same class",
      fix: "name another class",
    });
  }
  return { classes: asked.length > 0 ? asked : [{ kind: "top", count: 1 }], against: other?.index };
}
