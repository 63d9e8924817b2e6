/** The ledger as strips: how much of each node's relevance was passed on, and where the rest stayed. */

import { shareColumns, type Ledger, type LedgerEntry, type ShareColumn } from "@relprop/core";

/** The parts of a strip. */
export type StripPart = "passed" | "bias" | "epsilon" | "filter" | "other";

/** The parts in drawing order, with their meaning. */
export const stripParts: readonly {
  readonly part: StripPart;
  readonly name: string;
  readonly means: string;
}[] = [
  { part: "passed", name: "passed on", means: "goes on to the nodes before" },
  { part: "bias", name: "bias", means: "is what the layer's bias was given" },
  { part: "epsilon", name: "stabiliser", means: "is absorbed by ε, which keeps denominators away from 0" },
  { part: "filter", name: "filter", means: "is removed by the relevance filter" },
  { part: "other", name: "other", means: "stayed for another reason; the layer's page names it" },
];

/** Places where relevance can stay, in words that follow “stays”. */
const stayWords: Readonly<Record<ShareColumn, string>> = {
  bias: "with the bias",
  epsilon: "with the stabiliser ε",
  filter: "with the relevance filter",
  mask: "with masked channels",
  around: "around the layer of concepts",
  others: "with constants and other inputs",
  border: "with the padding",
  fallback: "with the fallback",
  rule: "with the rule, which does not conserve it",
  rest: "with rounding",
};

/** One part of a strip, as a part of the relevance at the start; below 0 it is relevance that was added. */
export interface StripShare {
  readonly part: StripPart;
  readonly share: number;
}

/** A node's strip. */
export interface Strip {
  /** ΣR that arrives, as a part of the relevance at the start. */
  readonly arriving: number;
  /** The parts that are not 0, in the order of {@link stripParts}. */
  readonly shares: readonly StripShare[];
  /** The strip in a sentence. */
  readonly words: string;
}

/** Smaller parts are neither drawn nor named, since they would read 0.0 %. */
const leastNamed = 5e-4;

const partOf: Readonly<Record<ShareColumn, StripPart>> = {
  bias: "bias",
  epsilon: "epsilon",
  filter: "filter",
  mask: "other",
  around: "other",
  others: "other",
  border: "other",
  fallback: "other",
  rule: "other",
  rest: "other",
};

/** `98.7 %`, with a real minus sign. */
export const percentText = (share: number): string => {
  const text = (100 * share).toFixed(1).replace("-", "−");
  return `${text === "−0.0" ? "0.0" : text} %`;
};

/** The strip of each node and of the input, by name; empty if relevance started with 0. */
export function stripsOf({ entries, start }: Ledger): ReadonlyMap<string, Strip> {
  if (start === 0) return new Map();
  return new Map(entries.map((entry, i) => [entry.node, stripOf(entry, start, i === entries.length - 1)]));
}

function stripOf({ sums }: LedgerEntry, start: number, isEnd: boolean): Strip {
  const sizes = new Map<StripPart, number>([["passed", sums.leaving / start]]);
  for (const column of shareColumns) {
    const part = partOf[column];
    sizes.set(part, (sizes.get(part) ?? 0) + sums[column] / start);
  }
  const shares = stripParts.flatMap(({ part }) => {
    const share = sizes.get(part) ?? 0;
    return Math.abs(share) < leastNamed ? [] : [{ part, share }];
  });
  const arriving = sums.arriving / start;
  if (isEnd) return { arriving, shares, words: `${percentText(arriving)} arrives at the input` };
  const stays = shareColumns
    .filter((column) => Math.abs(sums[column] / start) >= leastNamed)
    .map((column) => `${percentText(sums[column] / start)} stays ${stayWords[column]}`);
  const words = `${percentText(arriving)} arrives, ${percentText(sums.leaving / start)} goes on`;
  return { arriving, shares, words: [words, ...stays].join("; ") };
}

/** Length of a strip: Σ|parts|. If parts have both signs, it exceeds the relevance that arrives. */
export const lengthOf = ({ shares }: Pick<Strip, "shares">): number =>
  shares.reduce((sum, { share }) => sum + Math.abs(share), 0);

/** What stays in several nodes together, without the relevance that they pass on to each other. */
export function stayedIn(strips: readonly Strip[]): readonly StripShare[] {
  return stripParts.flatMap(({ part }) => {
    if (part === "passed") return [];
    const share = strips.reduce(
      (sum, { shares }) => sum + (shares.find((each) => each.part === part)?.share ?? 0),
      0,
    );
    return Math.abs(share) < leastNamed ? [] : [{ part, share }];
  });
}
