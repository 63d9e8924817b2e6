/** Atomic writing: a file is there as a whole, or not at all. */

import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import { placeOf, refusalOf, type Guard } from "./guard.ts";

type Content = Uint8Array | string | readonly Uint8Array[];

/**
 * Writes to a temporary file, waits until the disk has it and renames it, so that no partial file is ever visible. Creates the
 * folder.
 * @throws OptionError if the system refuses: no permission, no space, a file in place of a folder.
 */
export async function writeWhole(path: string, content: Content): Promise<void> {
  await writeViaPart(path, content, (part) => rename(part, path), true);
}

/**
 * Like {@link writeWhole}, but keeps the files that the guard protects, even one created during the write. The gap between
 * the last check and the rename is too short to be guarded.
 * @throws the guard's error, or OptionError as above
 */
export async function writeGuarded(path: string, content: Content, guard: Guard): Promise<void> {
  await writeViaPart(path, content, (part) => putGuarded(part, path, guard));
}

/** Gives a file its name, over another file only if the guard lets it. @throws what the guard throws */
export async function putGuarded(part: string, path: string, guard: Guard): Promise<void> {
  for (;;) {
    const place = await placeOf(path, guard);
    if (place.kind === "kept") throw refusalOf(path, place, guard);
    if (place.kind === "ours") return rename(part, path);
    if (await linkIfFree(part, path)) return;
  }
}

/**
 * Like {@link writeGuarded}, for content that comes bit by bit.
 * @param write writes to the path that it is given; undefined if it gave up
 */
export async function writeGuardedBy<Result>(
  path: string,
  write: (part: string) => Promise<Result>,
  guard: Guard,
): Promise<Result> {
  const part = partOf(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    const result = await write(part);
    if (result !== undefined) await putGuarded(part, path, guard);
    return result;
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/** A temporary name beside a file. It is short, since the file's may be as long as the system allows. */
const partOf = (path: string): string => join(dirname(path), `.relprop-${randomUUID()}.part`);

async function writeViaPart(
  path: string,
  content: Content,
  put: (part: string) => Promise<void>,
  flush = false,
): Promise<void> {
  const part = partOf(path);
  const isWhole = typeof content === "string" || content instanceof Uint8Array;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(part, isWhole ? content : asStream(content), { flag: "wx", flush });
    await put(part);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/** The error for a system's refusal to write a file. */
export function cannotWrite(path: string, error: unknown): InputError | OptionError {
  if (error instanceof InputError || error instanceof OptionError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new OptionError(
    { what: `cannot write "${path}"`, why, fix: "choose another place with -o" },
    { cause: error },
  );
}

/** Gives a file a name that is still free; false if it is taken. */
async function linkIfFree(part: string, path: string): Promise<boolean> {
  try {
    await link(part, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
  }
  // Some file systems have no hard links: an empty file reserves the name.
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
  // In slices: on some systems, a single write of more than 2 GB fails.
  const most = 1 << 28;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += most) yield chunk.subarray(at, at + most);
  }
}
