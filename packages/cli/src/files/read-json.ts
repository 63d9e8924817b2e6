/** JSON files with a schema. */

import { readFile } from "node:fs/promises";
import { ModelFileError } from "@relprop/core";
import { z } from "zod";
import { jsonOf } from "../models/zoo-files.ts";
import { whyUnread } from "./why-unread.ts";

/** @throws ModelFileError if the file cannot be read, is not JSON, or does not match the schema */
export async function readJson<T>(path: string, form: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, whyUnread(error));
  });
  const read = form.safeParse(jsonOf(text, path));
  if (read.success) return read.data;
  throw unreadable(path, z.prettifyError(read.error).replaceAll(/\s*\n\s*/g, " "));
}

const unreadable = (path: string, why: string): ModelFileError =>
  new ModelFileError({ what: `cannot read "${path}"`, why });
