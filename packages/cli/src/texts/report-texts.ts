/** The output of `explain --text`: coloured tokens for people (a table without colours), records for programs. */

import { relevanceText, withoutControls } from "@relprop/core/internal";
import type { TextDrawing } from "./draw-tokens.ts";
import { amountText as scoreAmount } from "../run/score.ts";
import { onColor, stdoutDepth, type ColorDepth } from "../terminal/terminal-colors.ts";
import type { ExplainedToken, TextResult } from "./text-result.ts";

/** The text for one explained class. @param drawing its colours */
export function textLines(
  result: TextResult,
  drawing: TextDrawing,
  depth: ColorDepth = stdoutDepth(),
): string {
  const tokens = depth === 1 ? table(result.tokens) : coloured(result.tokens, drawing, depth);
  const { ledger, padding } = result;
  // Padding should get no relevance; a model that reads it anyway must be noticed.
  const leaks = padding !== undefined && padding.relevance !== 0;
  return [
    tokens,
    `  ${verdictText(result)}`,
    ...(leaks ? [`  ${signedText(padding.relevance)} went to the padding`] : []),
    ...(ledger ? [`  ${ledger.verdict}`] : []),
  ].join("\n");
}

/** Relevance with its sign: `+0.412`. */
export const signedText = (value: number): string => (value > 0 ? "+" : "") + relevanceText(value);

/** The answer and its strongest tokens: `positive 0.980; strongest tokens: great +0.412, …`. */
export function verdictText(result: TextResult): string {
  const strongest = [...result.tokens]
    .sort((a, c) => Math.abs(c.relevance) - Math.abs(a.relevance))
    .slice(0, 3)
    .filter(({ relevance }) => relevance !== 0)
    .map(({ text, relevance }) => `${text} ${signedText(relevance)}`);
  const why = strongest.length === 0 ? "no token got relevance" : `strongest tokens: ${strongest.join(", ")}`;
  return withoutControls(`${answerText(result)} ${amountText(result)}; ${why}`);
}

/** The probability, or the model's number if it answers with one. */
export const amountText = (result: TextResult): string => scoreAmount(result);

/** What is explained, in words: `positive`, `token 3 “Berlin”: place rather than person`, `after token 4 “the”: “ cat”`. */
export function answerText({
  answer,
  class: index,
  label,
  position,
  positions = position === undefined ? [0] : [position],
  against,
  tokens,
}: TextResult): string {
  const names = positions.map((each) => `${each} “${tokens[each]?.text}”`);
  const at = `${names.length > 1 ? "tokens" : "token"} ${names.join(", ")}`;
  switch (answer) {
    case "class":
      return label + (against ? ` rather than ${against.label}` : "");
    case "embedding":
      return "the embedding's length";
    case "place":
      return `token ${index} “${label}”${against ? ` rather than token ${against.index} “${against.label}”` : ""}`;
    case "label":
      return `${at}: ${label}${against ? ` rather than ${against.label}` : ""}`;
    case "word":
    case "next word": {
      const rather = against ? ` rather than “${against.label}”` : "";
      return `${answer === "word" ? "" : "after "}${at}: “${label}”${rather}`;
    }
  }
}

function coloured(
  tokens: readonly ExplainedToken[],
  { colors, strengths }: TextDrawing,
  depth: ColorDepth,
): string {
  const words = tokens.map((token, i) => {
    const text = withoutControls(token.text);
    const cell = onColor(text, colors[i] ?? [255, 255, 255], strengths[i] ?? 0, depth);
    return `${i > 0 && token.startsWord ? " " : ""}${cell}`;
  });
  return words.join("");
}

const longestBar = 12;

/** Without colours: one line per token, with its relevance as a number and as a bar. */
function table(tokens: readonly ExplainedToken[]): string {
  const most = Math.max(...tokens.map(({ relevance }) => Math.abs(relevance)));
  const figures = tokens.map(({ relevance }) => signedText(relevance));
  const width = Math.max(...figures.map(({ length }) => length));
  const names = tokens.map(
    ({ text, startsWord }, i) => `${startsWord || i === 0 ? "" : "…"}${withoutControls(text)}`,
  );
  const widest = Math.min(24, Math.max(...names.map(({ length }) => length)));
  return tokens
    .map(({ relevance }, i) => {
      const marks = Math.round((longestBar * Math.abs(relevance)) / (most || 1));
      const bar = (relevance < 0 ? "−" : "+").repeat(marks);
      return `${figures[i]?.padStart(width + 2)}  ${names[i]?.padEnd(widest)}  ${bar}`.trimEnd();
    })
    .join("\n");
}
