/** Overwriting rules: only files that relprop wrote, unless the user insists. */

import { access, constants, lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ErrorParts, RelpropError } from "@relprop/core";

/** Protects files from being overwritten. */
export interface Guard {
  /** Whether files that relprop did not write may be overwritten. */
  readonly force: boolean;
  /** Whether relprop wrote a file. */
  readonly isOurs: (path: string) => boolean | Promise<boolean>;
  /** The input files of the run, which are never overwritten. */
  readonly inputs?: Inputs;
  /** The error class for a protected file. */
  readonly Refusal: new (parts: ErrorParts) => RelpropError;
}

/** The state of a path: free, a file that may be replaced, or a protected file, and why. */
export type Place =
  | { readonly kind: "free" | "ours" }
  | { readonly kind: "kept"; readonly why: string; readonly canForce: boolean };

/** Input files of a run, identified by device and inode: links and letter case give one file several names. */
export class Inputs {
  readonly #what: string;
  readonly #files: ReadonlySet<string>;

  private constructor(what: string, files: ReadonlySet<string>) {
    this.#what = what;
    this.#files = files;
  }

  /** @param what description of these files for errors. */
  static async of(what: string, paths: readonly string[]): Promise<Inputs> {
    const files = await Promise.all(paths.map(identityOf));
    return new Inputs(what, new Set(files.filter((file) => file !== undefined)));
  }

  /** Why a path must not be written, if it is one of these files. */
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

/** The state of a path, and whether it may be written. */
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

/** Why a file cannot be created in a folder, which may not exist yet. */
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

/** The error for a protected path. */
export function refusalOf(
  path: string,
  { why, canForce }: Extract<Place, { kind: "kept" }>,
  { Refusal }: Guard,
): RelpropError {
  const fix = canForce
    ? "move it away, choose another place with -o, or overwrite it with --force"
    : "choose another place with -o";
  return new Refusal({ what: `will not write "${path}"`, why, fix });
}

/**
 * Checks before the work begins whether its results may be written.
 * @throws the guard's error if a file must not be written
 */
export async function refuseKept(paths: readonly string[], guard: Guard): Promise<void> {
  const places = await Promise.all(paths.map((path) => placeOf(path, guard)));
  for (const [i, place] of places.entries())
    if (place.kind === "kept") throw refusalOf(paths[i] ?? "", place, guard);
}
