/** Files that are there whole or not at all. */

import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import { placeOf, refusalOf, type Guard } from "./guard.ts";

type Content = Uint8Array | string | readonly Uint8Array[];

/**
 * Writes beside the target and renames, so that nobody ever sees half a file. Makes the folder.
 * @throws OptionError if the system does not let it: no permission, no space, a file where a folder should be.
 */
export async function writeWhole(path: string, content: Content): Promise<void> {
  await throughPart(path, content, (part) => rename(part, path));
}

/**
 * As {@link writeWhole}, but not over what the guard keeps. A file that comes into being while this writes is kept, too; one
 * that takes the place of ours between the last look and the rename that follows at once is not noticed.
 * @throws what the guard throws, OptionError as above
 */
export async function writeGuarded(path: string, content: Content, guard: Guard): Promise<void> {
  await throughPart(path, content, (part) => putGuarded(part, path, guard));
}

/** Gives a file its name, over what has it only if the guard lets it. @throws what the guard throws */
export async function putGuarded(part: string, path: string, guard: Guard): Promise<void> {
  for (;;) {
    const place = await placeOf(path, guard);
    if (place.kind === "kept") throw refusalOf(path, place, guard);
    if (place.kind === "ours") return rename(part, path);
    if (await putNew(part, path)) return;
  }
}

async function throughPart(
  path: string,
  content: Content,
  put: (part: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  // A name of its own, and a short one: that of the file may be as long as the system allows.
  const part = join(folder, `.relprop-${randomUUID()}.part`);
  const isWhole = typeof content === "string" || content instanceof Uint8Array;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(part, isWhole ? content : asStream(content), { flag: "wx" });
    await put(part);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/** What the system's complaint about a file is to the user. */
export function cannotWrite(path: string, error: unknown): InputError | OptionError {
  if (error instanceof InputError || error instanceof OptionError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new OptionError(
    { what: `cannot write "${path}"`, why, fix: "choose another place with -o" },
    { cause: error },
  );
}

/** Gives a file a name that no file has; false if one has it by now. */
async function putNew(part: string, path: string): Promise<boolean> {
  try {
    await link(part, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
  }
  // Not every file system has links. An empty file of ours holds the place.
  try {
    await (await open(path, "wx")).close();
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
  await rename(part, path);
  return true;
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : "");

function* asStream(chunks: readonly Uint8Array[]): Iterable<Uint8Array> {
  // Pieces of a piece: one write of more than 2 GB is an error on some systems.
  const most = 1 << 28;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += most) yield chunk.subarray(at, at + most);
  }
}
