/** What is known of an explained image: the record in the manifest, the page's card, and most of the JSON output. */

import { verdict, type Ledger } from "relprop";
import { z } from "zod";

/** A class and how sure the network is. */
export const rankedClassSchema = z.object({
  index: z.number(),
  label: z.string(),
  logit: z.number(),
  p: z.number(),
});

const files = z.record(z.string(), z.string());

const tick = z.object({ position: z.number(), value: z.number(), text: z.string() });

const shares = z.object({
  bias: z.number(),
  epsilon: z.number(),
  filter: z.number(),
  mask: z.number(),
  others: z.number(),
  border: z.number(),
  fallback: z.number(),
  rule: z.number(),
  rest: z.number(),
});

/** Where relevance stayed. */
export const ledgerSchema = z.object({
  /** ΣR that relevance started with, that reached the input, and that stayed on the way, by cause. Unitless. */
  start: z.number(),
  reached: z.number(),
  stayed: shares,
  /** The same in a sentence, in percent. */
  verdict: z.string(),
});

const classResult = z.object({
  ...rankedClassSchema.shape,
  /** Whether the prediction as a whole is explained, and the class is but its best. */
  isWhole: z.boolean().exactOptional(),
  /** The class that this one was told apart from, if one was named. */
  against: z.object({ index: z.number(), label: z.string() }).exactOptional(),
  /** Where relevance stayed, if account was kept. */
  ledger: ledgerSchema.exactOptional(),
  /** Paths below the output folder, by kind: heatmap, overlay, figure, svg, npy. */
  files,
  legend: z.object({ ticks: z.array(tick), sentence: z.string() }),
});

/** Checks a record that was read from a file. */
export const imageResultSchema: z.ZodObject<{
  key: z.ZodString;
  input: z.ZodString;
  settings: z.ZodArray<z.ZodTuple<[z.ZodString, z.ZodString], null>>;
  colors: z.ZodString;
  files: typeof files;
  top: z.ZodArray<typeof rankedClassSchema>;
  classes: z.ZodArray<typeof classResult>;
  ms: z.ZodNumber;
}> = z.object({
  /** Where it lies below the output folder, without what tells its files apart. */
  key: z.string(),
  /** The image, as the user named it. */
  input: z.string(),
  /** What was decided about the run, in words. */
  settings: z.array(z.tuple([z.string(), z.string()])),
  /** The colour map as a CSS gradient. */
  colors: z.string(),
  /** Paths below the output folder of what does not depend on a class: picture. */
  files,
  /** The five best classes. */
  top: z.array(rankedClassSchema),
  /** What was explained: the prediction as a whole (index and label of the best class), or the classes asked for. */
  classes: z.array(classResult),
  /** Time for this image's share of its batch, in milliseconds. */
  ms: z.number(),
});

/** An explained image. */
export type ImageResult = z.infer<typeof imageResultSchema>;
/** One explained class of it. */
export type ClassResult = z.infer<typeof classResult>;
/** Where the relevance of a class stayed. */
export type LedgerResult = z.infer<typeof ledgerSchema>;
/** A class and how sure the network is. */
export type Score = z.infer<typeof rankedClassSchema>;

/** What of a ledger is kept. */
export function ledgerResult(ledger: Ledger): LedgerResult {
  const { start, reached, stayed } = ledger;
  return { start, reached, stayed: { ...stayed }, verdict: verdict(ledger) };
}
