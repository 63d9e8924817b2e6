/** What comes before inputs are explained: which they are, where results go, and what lies there. */

import type { z } from "zod";
import { EarlierResults, leftOutText } from "../files/earlier-results.ts";
import { Manifest, type Listed } from "../files/manifest.ts";
import { findFiles, type FileKind, type InputFile } from "../files/find-files.ts";
import { ResultWriter } from "../files/result-writer.ts";
import { isSilent, say } from "../terminal/report.ts";
import type { RunOptions } from "./run-inputs.ts";

/** Files to explain, and the folder of their results. */
export interface OpenInputs<Result extends Listed> {
  readonly files: readonly InputFile[];
  readonly writer: ResultWriter;
  readonly manifest: Manifest<Result>;
}

/**
 * Finds files and asks for the output folder.
 * @param form of results that earlier runs listed there
 * @param ofRun files of the whole run that will be written
 * @throws OptionError if there are no such files, or files of others are in the way
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
