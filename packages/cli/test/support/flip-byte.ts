/** Damage that leaves a file's size as it is. */

import { readFile, writeFile } from "node:fs/promises";

/** Changes a bit in the middle of a file. */
export async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
