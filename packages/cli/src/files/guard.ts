/** What may be written over: nothing but what relprop wrote, unless the user insists. */

import { access, constants, lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ErrorParts, RelpropError } from "@relprop/core";

/** Keeps files. */
export interface Guard {
  /** Whether files of others may be written over, too. */
  readonly force: boolean;
  /** Whether relprop wrote a file. */
  readonly isOurs: (path: string) => boolean | Promise<boolean>;
  /** The files that the run reads: they are kept in any case. */
  readonly inputs?: Inputs;
  /** The error for a file that is kept. */
  readonly Refusal: new (parts: ErrorParts) => RelpropError;
}

/** What is at a path: nothing, a file that may be replaced, or something that is kept, and why. */
export type Place =
  | { readonly kind: "free" | "ours" }
  | { readonly kind: "kept"; readonly why: string; readonly canForce: boolean };

/** Files that a run reads, by what they are and not by what they are called: names differ by case, links, and more. */
export class Inputs {
  readonly #what: string;
  readonly #files: ReadonlySet<string>;

  private constructor(what: string, files: ReadonlySet<string>) {
    this.#what = what;
    this.#files = files;
  }

  /** @param what what such a file is, in words. */
  static async of(what: string, paths: readonly string[]): Promise<Inputs> {
    const files = await Promise.all(paths.map(identityOf));
    return new Inputs(what, new Set(files.filter((file) => file !== undefined)));
  }

  /** Why a path is not to be written: it is one of these files. */
  async reasonAt(path: string): Promise<string | undefined> {
    const file = await identityOf(path);
    return file !== undefined && this.#files.has(file) ? this.#what : undefined;
  }
}

async function identityOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && `${info.dev}:${info.ino}`;
}

const kept = (why: string, canForce = false): Place => ({ kind: "kept", why, canForce });

/** What is at a path, and whether it may be written over. */
export async function placeOf(path: string, guard: Guard): Promise<Place> {
  const info = await lstat(path).catch((error: unknown) => String(error));
  if (typeof info === "string") {
    const why = isNothingAt.test(info) ? await reasonAgainstFolder(dirname(path)) : info;
    return why === undefined ? { kind: "free" } : kept(why);
  }
  const input = await guard.inputs?.reasonAt(path);
  if (input !== undefined) return kept(input);
  if (info.isDirectory()) return kept("it is a folder");
  if (!info.isFile() && !info.isSymbolicLink()) return kept("it is no ordinary file");
  if (guard.force) return { kind: "ours" };
  if (info.isSymbolicLink()) return kept("it is a link to another file", true);
  if (!(await guard.isOurs(path))) return kept("relprop did not write it", true);
  if ((info.mode & 0o222) === 0) return kept("it is read-only", true);
  return { kind: "ours" };
}

const isNothingAt = /ENOENT|ENOTDIR/;

/** Why no file can be made in a folder, which need not be there yet. */
async function reasonAgainstFolder(folder: string): Promise<string | undefined> {
  const info = await stat(folder).catch(() => undefined);
  const parent = dirname(folder);
  if (!info) return parent === folder ? undefined : reasonAgainstFolder(parent);
  if (!info.isDirectory()) return `"${folder}" is no folder`;
  const isOpen = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  return isOpen ? undefined : `the folder "${folder}" is closed to writing`;
}

/** The error for a place that is kept. */
export function refusalOf(
  path: string,
  { why, canForce }: Extract<Place, { kind: "kept" }>,
  { Refusal }: Guard,
): RelpropError {
  const fix = canForce
    ? "move it away, choose another place with -o, or write over it with --force"
    : "choose another place with -o";
  return new Refusal({ what: `will not write "${path}"`, why, fix });
}

/**
 * Asks before the work is done what would be refused after it.
 * @throws the guard's error if a file must not be written
 */
export async function refuseKept(paths: readonly string[], guard: Guard): Promise<void> {
  const places = await Promise.all(paths.map((path) => placeOf(path, guard)));
  for (const [i, place] of places.entries())
    if (place.kind === "kept") throw refusalOf(paths[i] ?? "", place, guard);
}
