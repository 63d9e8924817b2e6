/** The result of an explained image: the record in the manifest, on the page, and in most of the JSON output. */

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
  /** The class, if the explained part belongs to one. */
  index: scoreSchema.shape.index.exactOptional(),
  /** The request in words: `where 7 road wins`, `box 1`; absent for the whole prediction. */
  asked: z.string().exactOptional(),
  /** The number of output elements that are explained together. */
  elements: z.number(),
  /** ΣR at the start; with `against`, the difference of the two classes. */
  start: z.number(),
  /** The explained box, in the picture's own pixels. */
  box: box.exactOptional(),
  /** The class that this one is compared to, if one was named. */
  against: z.object({ index: z.number(), label: z.string() }).exactOptional(),
  /** The ledger, if it was asked for. */
  ledger: ledgerSchema.exactOptional(),
  /** Paths below the output folder, by kind: heatmap, overlay, figure, svg, npy. */
  files,
  legend: z.object({ ticks: z.array(tick), sentence: z.string() }),
});

/** Schema of a record in the manifest. */
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
  /** Path prefix of its files below the output folder. */
  key: z.string(),
  /** The image, as the user named it. */
  input: z.string(),
  /** The settings of the run, in words. */
  settings: z.array(z.tuple([z.string(), z.string()])),
  /** The colour map as a CSS gradient. */
  colors: z.string(),
  /** Paths below the output folder of files that do not depend on a class: picture. */
  files,
  /** The kind of the explained output: classes, values, a map … */
  kind: z.string(),
  /** The five best numbers of the answer; empty if it has many places. */
  top: z.array(scoreSchema),
  /** Where the network's input lies in the picture. Parts of the picture outside of it were cropped. */
  geometry,
  /** The explained parts: the whole prediction (index and label of the best class), or each request. */
  answers: z.array(answerResult),
  /** Time for this image's share of its batch, in milliseconds. */
  ms: z.number(),
});

/** An explained image. */
export type ImageResult = z.infer<typeof imageResultSchema>;
/** One explained part of an image's answer. */
export type AnswerResult = z.infer<typeof answerResult>;
