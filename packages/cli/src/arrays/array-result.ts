/** The record of an explained file of arrays in the manifest and on the page. */

import { z } from "zod";

const files = z.record(z.string(), z.string());

export const arrayResultSchema: z.ZodObject<{
  key: z.ZodString;
  input: z.ZodString;
  samples: z.ZodNumber;
  noun: z.ZodExactOptional<z.ZodString>;
  failed: z.ZodNumber;
  files: typeof files;
  answers: z.ZodArray<z.ZodObject<{ asked: z.ZodString; files: typeof files }>>;
  figures: z.ZodArray<z.ZodObject<{ title: z.ZodString; caption: z.ZodString; file: z.ZodString }>>;
  verdicts: z.ZodArray<z.ZodString>;
  ledger: z.ZodExactOptional<z.ZodString>;
}> = z.object({
  /** Where its results are below the output folder, without the endings of files. */
  key: z.string(),
  /** The file, as the user named it. */
  input: z.string(),
  /** The number of samples, and how many of them could not be explained. */
  samples: z.number(),
  /** What a sample is, if it has a name of its own: `window`. */
  noun: z.string().exactOptional(),
  failed: z.number(),
  /** All files that belong to no single answer: figures. */
  files,
  /** The files of each request: relevance as numbers. */
  answers: z.array(z.object({ asked: z.string(), files })),
  figures: z.array(z.object({ title: z.string(), caption: z.string(), file: z.string() })),
  /** Where relevance stayed, for the first samples, if a ledger was kept. */
  verdicts: z.array(z.string()),
  /** The same over all samples. */
  ledger: z.string().exactOptional(),
});

/** How many samples a file has, and how many of them failed: `12 windows, 1 failed`. */
export const countedText = ({
  samples,
  failed,
  noun = "sample",
}: Pick<ArrayResult, "samples" | "failed" | "noun">): string =>
  `${samples} ${noun}${samples === 1 ? "" : "s"}${failed > 0 ? `, ${failed} failed` : ""}`;

/** An explained file. */
export type ArrayResult = z.infer<typeof arrayResultSchema>;
