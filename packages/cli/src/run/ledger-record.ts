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
