/** The wording of `relprop concepts`: shares, signs, and how much of an answer passed through the layer. */

import type { CompiledFacts, FloatArray } from "@relprop/core";
import { startWord, relevanceText } from "@relprop/core/internal";
import type { AnswerRequest } from "../run/answer-requests.ts";

/** A share in percent, with its sign. */
export const percentText = (share: number): string => `${(100 * share).toFixed(1).replace("-", "−")} %`;

/** `for` or `against` the explained answer, by the sign of the relevance. */
export const sideText = (relevance: number): string =>
  relevance < 0 ? "against" : relevance > 0 ? "for" : "neither for nor against";

/** `2.2 % for`, `−4.1 % against`. */
export const shareText = (share: number): string => `${percentText(share)} ${sideText(share)}`;

/** A channel's ΣR and, if the layers below keep a part of it, ΣR of its map. */
export function sumTexts({ relevance, reached }: SumsOfChannel): string[] {
  const isAll = Math.abs(relevance - reached) <= 0.005 * Math.abs(relevance);
  const sum = `ΣR ${relevanceText(relevance)}`;
  return isAll ? [sum] : [sum, `${relevanceText(reached)} in the picture`];
}

interface SumsOfChannel {
  readonly relevance: number;
  readonly reached: number;
}

/** What relevance starts with, to follow "of the": `logit`, `sum of 4 logits`, `length`. */
export function startText(
  compiled: Pick<CompiledFacts, "settings" | "facts">,
  request: Pick<AnswerRequest, "kind">,
  target: FloatArray,
): string {
  if (["one", "contrastive"].includes(compiled.settings.seed)) return "target";
  if (request.kind === "length") return "length";
  const word = startWord(compiled.settings, compiled.facts);
  const weights = target.data.filter((weight) => weight !== 0);
  if (weights.length <= 1) return word;
  return `${weights.every((weight) => weight === 1) ? "" : "weighted "}sum of ${weights.length} ${word}s`;
}

/** How the relevance at the start divides into parts. `passed`, `around` and `above` sum to `start`. */
export interface Passage {
  readonly label: string;
  /** The wording of {@link startText}. */
  readonly of: string;
  readonly start: number;
  readonly passed: number;
  /** ΣR that flowed around the layer. */
  readonly around: number;
  /** ΣR that stayed above it, in biases and stabilisers. */
  readonly above: number;
}

/** Shares below a tenth of a percent count as zero. */
const least = 0.0005;

/**
 * How much passed through the layer and around it, as shares of the relevance at the start. If the two have different
 * signs, shares of one whole mean nothing; the text then says which of them speaks for the answer.
 */
export function passageText({ label, of, start, passed, around, above }: Passage): string {
  if (start === 0) {
    return `the ${of} is 0, so there is no share of it; ΣR of this layer is ${relevanceText(passed)}`;
  }
  const part = (sum: number): number => (Math.abs(sum / start) < least ? 0 : sum / start);
  const what = `“${label}”`;
  const stayed = part(above) === 0 ? "" : `${percentText(part(above))} stayed above it`;
  if (part(passed) < 0 || part(around) < 0) {
    const others =
      part(around) === 0
        ? ""
        : `; what flowed around it is ${percentText(part(around))} and speaks ${sideText(around)} it`;
    return `the relevance that passed through this layer is ${percentText(part(passed))} of the ${of}: on the whole it speaks ${sideText(passed)} ${what}${others}${stayed && `; ${stayed}`}`;
  }
  const negative = start < 0 ? `, which is negative and speaks against ${what},` : "";
  const amount =
    part(passed) === 0 ? "nothing" : stayed === "" && part(around) === 0 ? "all" : percentText(part(passed));
  const other = stayed === "" && part(passed) !== 0 ? "the other " : "";
  const past = part(around) === 0 ? "" : `; ${other}${percentText(part(around))} flowed around it`;
  return `${amount} of the ${of}${negative} passed through this layer${past}${stayed && `, ${stayed}`}`;
}
