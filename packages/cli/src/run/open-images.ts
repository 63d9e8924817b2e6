/** The preparation of a run on pictures: find the pictures, open the output folder, check its files. */

import type { z } from "zod";
import { EarlierResults, leftOutText } from "../files/earlier-results.ts";
import { Manifest, type Listed } from "../files/manifest.ts";
import { findImages, type ImageFile } from "../files/read-images.ts";
import { ResultWriter } from "../files/result-writer.ts";
import { isSilent, say } from "../terminal/report.ts";
import type { RunOptions } from "./run-inputs.ts";

/** The pictures to explain, and the folder of their results. */
export interface OpenImages<Result extends Listed> {
  readonly images: readonly ImageFile[];
  readonly writer: ResultWriter;
  readonly manifest: Manifest<Result>;
}

/**
 * Finds pictures and opens the output folder.
 * @param form schema of results that earlier runs listed there
 * @param ofRun files that the whole run will write
 * @throws OptionError if there are no pictures, or foreign files would be overwritten
 */
export async function openImages<Result extends Listed>(
  sources: readonly string[],
  options: Pick<RunOptions, "folder" | "force" | "quiet" | "json">,
  form: z.ZodType<Result>,
  ofRun: readonly string[],
): Promise<OpenImages<Result>> {
  const { folder, force } = options;
  const manifest = await Manifest.open(folder, form, force);
  const lists = (path: string): boolean => manifest.lists(path);
  const { images, leftOut } = await findImages(sources, await EarlierResults.in(folder, lists));
  const inputs = images.map(({ path }) => path);
  const writer = await ResultWriter.create(folder, { inputs, force, lists });
  await writer.checkOfRun(ofRun);
  if (leftOut > 0 && !isSilent(options)) say(leftOutText(leftOut, folder));
  return { images, writer, manifest };
}
