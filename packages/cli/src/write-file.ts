/** Files that are there whole or not at all. */

import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { OptionError } from "relprop";

/**
 * Writes beside the target and renames, so that nobody ever sees half a file. Makes the folder.
 * @throws OptionError if the system does not let it: no permission, no space, a file where a folder should be.
 */
export async function writeWhole(
  path: string,
  bytes: Uint8Array | string | readonly Uint8Array[],
): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(part, typeof bytes === "string" || bytes instanceof Uint8Array ? bytes : asStream(bytes));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    const why = error instanceof Error ? error.message : String(error);
    throw new OptionError(
      { what: `cannot write "${path}"`, why, fix: "choose another place with -o" },
      { cause: error },
    );
  }
}

function* asStream(chunks: readonly Uint8Array[]): Iterable<Uint8Array> {
  // Pieces of a piece: one write of more than 2 GB is an error on some systems.
  const most = 1 << 28;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += most) yield chunk.subarray(at, at + most);
  }
}
