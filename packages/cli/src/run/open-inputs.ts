/** The preparation of a run: find its files, open the output folder, check the files that will be written. */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
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
  return { files: files.map((file) => apartFrom(file, manifest.earlier(file.key)?.input)), writer, manifest };
}

/** A file that is called as another one whose results are there gets a name of its own, the same in every run. */
function apartFrom(file: InputFile, earlier: string | undefined): InputFile {
  const path = resolve(file.path);
  if (earlier === undefined || resolve(earlier) === path) return file;
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return { ...file, key: `${file.key}.${hash}` };
}
