/** What was measured about one map of one picture: its record in the manifest, and in evaluation.json. */

import { metricNames, type MeasuredMap, type MetricName } from "@relprop/core";
import { z } from "zod";
import { scoreSchema } from "../run/score.ts";

const curve = z.object({ removed: z.array(z.number()), numbers: z.array(z.number()) });

/** Schema of a record. */
export const mapResultSchema: z.ZodObject<{
  key: z.ZodString;
  input: z.ZodString;
  files: z.ZodRecord<z.ZodString, z.ZodString>;
  method: z.ZodString;
  answer: z.ZodObject<
    Omit<(typeof scoreSchema)["shape"], "index"> & { index: z.ZodExactOptional<z.ZodNumber> }
  >;
  measured: z.ZodObject<{ what: z.ZodString; whole: z.ZodNumber }>;
  numbers: z.ZodRecord<z.ZodEnum<Record<MetricName, MetricName>> & z.core.$partial, z.ZodNumber>;
  curves: z.ZodObject<{ most: z.ZodExactOptional<typeof curve>; least: z.ZodExactOptional<typeof curve> }>;
  ms: z.ZodNumber;
}> = z.object({
  /** Path prefix of its files below the output folder, and the method. */
  key: z.string(),
  /** The picture, as the user named it. */
  input: z.string(),
  /** Paths below the output folder: picture, heatmap. */
  files: z.record(z.string(), z.string()),
  method: z.string(),
  /** What is explained. */
  answer: z.object({ ...scoreSchema.shape, index: scoreSchema.shape.index.exactOptional() }),
  /** The number that is watched: a probability, value or logit. */
  measured: z.object({ what: z.string(), whole: z.number() }),
  /** The metrics; one is absent where it is not defined. */
  numbers: z.partialRecord(
    z.enum(Object.fromEntries(metricNames.map((name) => [name, name])) as Record<MetricName, MetricName>),
    z.number(),
  ),
  /** Shares of the answer that are left, by the number of removed parts. */
  curves: z.object({ most: curve.exactOptional(), least: curve.exactOptional() }),
  ms: z.number(),
});

/** A measured map. */
export type MapResult = z.infer<typeof mapResultSchema>;

/** What the library calls measured. */
export const measuredOf = ({ numbers, curves }: MapResult): MeasuredMap => ({
  numbers: numbers as MeasuredMap["numbers"],
  curves: curves as MeasuredMap["curves"],
});
