/** The stored part of a ledger: in records, on pages, in manifests. */

import { verdict, type Ledger } from "@relprop/core";
import { z } from "zod";

const shares = z.object({
  bias: z.number(),
  epsilon: z.number(),
  filter: z.number(),
  mask: z.number(),
  around: z.number(),
  others: z.number(),
  border: z.number(),
  fallback: z.number(),
  rule: z.number(),
  rest: z.number(),
});

/** Where relevance stayed. */
export const ledgerSchema = z.object({
  /** ΣR at the start, ΣR that reached the input, and ΣR that stayed on the way, by cause. Unitless. */
  start: z.number(),
  reached: z.number(),
  stayed: shares,
  /** The same in a sentence, in percent. */
  verdict: z.string(),
});

/** Where the relevance of an answer stayed. */
export type LedgerResult = z.infer<typeof ledgerSchema>;

/** Extracts the stored part of a ledger. */
export function ledgerResult(ledger: Ledger): LedgerResult {
  const { start, reached, stayed } = ledger;
  return { start, reached, stayed: { ...stayed }, verdict: verdict(ledger) };
}

/** Which share of relevance reached the input, over many samples; 1 is all. */
const reachedSchema = z.object({ count: z.number(), sum: z.number(), least: z.number(), most: z.number() });
type ReachedShares = z.infer<typeof reachedSchema>;

const percent = (share: number): string => `${(100 * share).toFixed(1).replace("-", "−")} %`;

/** Gathers these shares. */
export class Reached {
  static readonly schema: typeof reachedSchema = reachedSchema;
  readonly shares: ReachedShares;

  constructor(shares: ReachedShares = { count: 0, sum: 0, least: 0, most: 0 }) {
    this.shares = { ...shares };
  }

  /** Where there was nothing to explain there is no share. */
  add({ start, reached }: Pick<LedgerResult, "start" | "reached">): this {
    if (start === 0) return this;
    const share = reached / start;
    const { shares } = this;
    shares.least = shares.count === 0 ? share : Math.min(shares.least, share);
    shares.most = shares.count === 0 ? share : Math.max(shares.most, share);
    shares.sum += share;
    shares.count++;
    return this;
  }

  /** Those of several as one. */
  static together(all: readonly Reached[]): Reached {
    const some = all.map(({ shares }) => shares).filter(({ count }) => count > 0);
    const sum = (of: (shares: ReachedShares) => number): number =>
      some.reduce((total, shares) => total + of(shares), 0);
    if (some.length === 0) return new Reached();
    return new Reached({
      count: sum(({ count }) => count),
      sum: sum((each) => each.sum),
      least: Math.min(...some.map(({ least }) => least)),
      most: Math.max(...some.map(({ most }) => most)),
    });
  }

  /** In a sentence; undefined if there are none. @param noun `samples` */
  text(noun: string): string | undefined {
    const { count, sum, least, most } = this.shares;
    if (count === 0) return undefined;
    return `of the relevance of ${count} ${noun}, ${percent(sum / count)} reached the input on average (${percent(least)} to ${percent(most)})`;
  }
}
