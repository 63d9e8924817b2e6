/** What is known of an explained image: the record in the manifest, the page's card, and most of the JSON output. */

import { z } from "zod";
import { ledgerSchema } from "../run/ledger-record.ts";
import { scoreSchema } from "../run/score.ts";

const files = z.record(z.string(), z.string());

const tick = z.object({ position: z.number(), value: z.number(), text: z.string() });

const box = z.object({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });

const sides = z.object({ width: z.number(), height: z.number() });

/** The picture's own size, the input's, which relevance.npy has, and the input's edges in the picture's own pixels. */
const geometry = z.object({ picture: sides, input: sides, frame: box });

const answerResult = z.object({
  ...scoreSchema.shape,
  /** Of the class, if all that is explained is of one. */
  index: scoreSchema.shape.index.exactOptional(),
  /** What was asked for, in words: `where 7 road wins`, `box 1`; absent for the prediction as a whole. */
  asked: z.string().exactOptional(),
  /** How many elements of the output are explained together. */
  elements: z.number(),
  /** ΣR that relevance starts with: with `against` the difference of the two classes. */
  start: z.number(),
  /** The explained box, in the picture's own pixels. */
  box: box.exactOptional(),
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
  top: z.ZodArray<typeof scoreSchema>;
  kind: z.ZodString;
  geometry: typeof geometry;
  answers: z.ZodArray<typeof answerResult>;
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
  /** What the explained output is: classes, values, a map … */
  kind: z.string(),
  /** The five best numbers of the answer; empty where it has many places. */
  top: z.array(scoreSchema),
  /** Where the network's input lies in the picture; what is outside of it was cropped, what of it is outside was padded. */
  geometry,
  /** What was explained: the prediction as a whole (index and label of the best class), or what was asked for. */
  answers: z.array(answerResult),
  /** Time for this image's share of its batch, in milliseconds. */
  ms: z.number(),
});

/** An explained image. */
export type ImageResult = z.infer<typeof imageResultSchema>;
/** One explained part of its answer. */
export type AnswerResult = z.infer<typeof answerResult>;
