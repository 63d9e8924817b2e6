/** The result of an explained film: the record in the manifest, on the page, and in most of the JSON output. */

import { z } from "zod";
import { ledgerSchema } from "../run/ledger-record.ts";
import { scoreSchema } from "../run/score.ts";
import { filmViews } from "./draw-frame.ts";

const box = z.object({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });

/** The explained part of a frame's answer. */
const frameAnswer = z.object({
  ...scoreSchema.shape,
  /** The class, if the explained part belongs to one. */
  index: scoreSchema.shape.index.exactOptional(),
  /** ΣR at the start. */
  start: z.number(),
  /** In the film's own pixels. */
  box: box.exactOptional(),
  ledger: ledgerSchema.exactOptional(),
});

const frame = z.object({
  /** Seconds of the film that was read. */
  time: z.number(),
  /** The five best numbers of the answer; empty if it has many places. */
  top: z.array(scoreSchema),
  /** Absent for a frame that was passed through as it was. */
  answer: frameAnswer.exactOptional(),
  /** Why it was. */
  error: z.string().exactOptional(),
});

/** Schema of a record in the manifest. */
export const filmResultSchema: z.ZodObject<{
  key: z.ZodString;
  input: z.ZodString;
  settings: z.ZodArray<z.ZodTuple<[z.ZodString, z.ZodString], null>>;
  files: z.ZodObject<{ film: z.ZodString }>;
  kind: z.ZodString;
  view: z.ZodEnum<{ [View in (typeof filmViews)[number]]: View }>;
  frames: z.ZodArray<typeof frame>;
  silence: z.ZodExactOptional<z.ZodString>;
  stopped: z.ZodExactOptional<z.ZodNumber>;
  ms: z.ZodNumber;
}> = z.object({
  /** The name of the new film: no two results have the same. */
  key: z.string(),
  /** The film, as the user named it. */
  input: z.string(),
  /** The settings of the run, in words. */
  settings: z.array(z.tuple([z.string(), z.string()])),
  /** Its path below the output folder. */
  files: z.object({ film: z.string() }),
  /** The kind of the explained output: classes, values, a map … */
  kind: z.string(),
  view: z.enum({ overlay: "overlay", "side-by-side": "side-by-side", heatmap: "heatmap" }),
  /** What was found in each frame, in their order. */
  frames: z.array(frame),
  /** Why the new film has no sound, although there was some. */
  silence: z.string().exactOptional(),
  /** The run was interrupted: seconds of the film that was read. */
  stopped: z.number().exactOptional(),
  /** Time for this film, in milliseconds. */
  ms: z.number(),
});

/** An explained film. */
export type FilmResult = z.infer<typeof filmResultSchema>;
/** What was found in a frame. */
export type FrameResult = z.infer<typeof frame>;
