/** The preparation of a run: find its files, open the output folder, check the files that will be written. */

import type { z } from "zod";
import { EarlierResults, leftOutText } from "../files/earlier-results.ts";
import { Manifest, type Listed } from "../files/manifest.ts";
import { findFiles, type FileKind, type InputFile } from "../files/find-files.ts";
import { ResultWriter } from "../files/result-writer.ts";
import { isSilent, say } from "../terminal/report.ts";
import type { RunOptions } from "./run-inputs.ts";

/** The files to explain, and the folder of their results. */
export interface OpenInputs<Result extends Listed> {
  readonly files: readonly InputFile[];
  readonly writer: ResultWriter;
  readonly manifest: Manifest<Result>;
}

/**
 * Finds files and opens the output folder.
 * @param form schema of results that earlier runs listed there
 * @param ofRun files that the whole run will write
 * @throws OptionError if there are no such files, or foreign files would be overwritten
 */
export async function openInputs<Result extends Listed>(
  sources: readonly string[],
  options: Pick<RunOptions, "folder" | "force" | "quiet" | "json">,
  form: z.ZodType<Result>,
  ofRun: readonly string[],
  kind?: FileKind,
): Promise<OpenInputs<Result>> {
  const { folder, force } = options;
  const manifest = await Manifest.open(folder, form, force);
  const lists = (path: string): boolean => manifest.lists(path);
  const { files, leftOut } = await findFiles(sources, await EarlierResults.in(folder, lists), kind);
  const inputs = files.map(({ path }) => path);
  const writer = await ResultWriter.create(folder, { inputs, force, lists });
  await writer.checkOfRun(ofRun);
  if (leftOut > 0 && !isSilent(options)) say(leftOutText(leftOut, folder));
  return { files, writer, manifest };
}
